// Checks: collects compile faults and reads placed values within their bounds.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// Internal to rating/compile. A value out of bounds is a fault, never clipped; reading goes on so
// that every fault of a file is reported at once.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rating/compile/compile.hpp"

namespace levy::rating {

template <class E, std::size_t N>
using Choices = std::array<std::pair<std::string_view, E>, N>;

class Checks {
 public:
  explicit Checks(std::vector<CompileFault>& faults) : faults_(faults) {}

  void fault(const Place& place, std::string message) {
    faults_.push_back(CompileFault{place, std::move(message), {}});
  }
  // `key`: what is not there, as plan files call it.
  void absent(const Place& place, std::string_view key, std::string message) {
    faults_.push_back(CompileFault{place, std::move(message), key});
  }

  // The value where it is given and within low..high, else `otherwise`.
  std::int64_t number(const Placed<std::int64_t>& value, std::string_view key, std::int64_t low,
                      std::int64_t high, std::int64_t otherwise) {
    if (!value.given) return otherwise;
    if (value.value >= low && value.value <= high) return value.value;
    fault(value.place, std::string(key) + " is " + std::to_string(value.value) +
                           "; allowed: " + std::to_string(low) + " to " + std::to_string(high));
    return otherwise;
  }

  // One of the words, else a fault that lists them.
  template <class E, std::size_t N>
  E choice(const Placed<std::string>& value, std::string_view key, const Choices<E, N>& words,
           E otherwise) {
    if (!value.given) return otherwise;
    std::string list;
    for (const auto& [word, meaning] : words) {
      if (word == value.value) return meaning;
      list += (list.empty() ? "" : ", ") + std::string(word);
    }
    fault(value.place, std::string(key) + " is '" + value.value + "'; allowed: " + list);
    return otherwise;
  }

  // A name of 1..name_bytes_max bytes that no earlier one of `taken` equals.
  void name(const Placed<std::string>& value, const Place& owner, std::string_view what,
            std::vector<std::string>& taken) {
    if (!value.given || value.value.empty()) {
      absent(value.given ? value.place : owner, what == "bucket kind" ? "kind" : what,
             std::string(what) + " has no name; give it one of 1 to " +
                 std::to_string(limits::name_bytes_max) + " bytes");
      return;
    }
    if (value.value.size() > limits::name_bytes_max)
      fault(value.place, "name '" + value.value + "' has " + std::to_string(value.value.size()) +
                             " bytes; allowed: 1 to " + std::to_string(limits::name_bytes_max));
    if (std::find(taken.begin(), taken.end(), value.value) != taken.end())
      fault(value.place,
            std::string(what) + " name '" + value.value + "' is used twice; rename one of them");
    taken.push_back(value.value);
  }

  // A decimal amount in micros where it is given, else 0.
  std::int64_t amount(const Placed<std::string>& value, std::string_view key);

  // The ISO 4217 numeric code, 0 after a fault.
  std::uint16_t currency(const Placed<std::string>& value, const Place& owner);

 private:
  std::vector<CompileFault>& faults_;
};

// Compiles one service of a plan: service.cpp. Ids of names are filled in later.
class RateCompiler;
void compile_service(const ServiceSource& source, const Place& plan_place, Checks& checks,
                     RateCompiler& rates, CompiledPlan& plan, Service& service);

// Compiles who pays for services beside the accounts: sponsors.cpp. Before the services.
void compile_sponsors(const PlanSource& source, Checks& checks, CompiledPlan& plan);
void compile_sponsor(const ServiceSource& source, const PlanSource& plan_source, Checks& checks,
                     Service& service);

// Compiles what it shares with other services: pools.cpp. After its prices.
void compile_pool(const ServiceSource& source, Checks& checks, const CompiledPlan& plan,
                  Service& service);

// Names that are kept as a hash (pools, segments) must not have one together.
void check_hashes(const Catalogue& catalogue, Checks& checks);

// Compiles its final action: final_units.cpp.
void compile_final_units(const ServiceSource& source, const Place& place, Checks& checks,
                         CompiledPlan& plan, Service& service);

// Compiles what a service or a rate costs: tariff.cpp. `owner`: where to point when a key is
// absent. `tax`: per mille, put on top of every amount.
void compile_tariff(const TariffSource& source, const Place& owner, std::int64_t tax,
                    Checks& checks, CompiledPlan& plan, Price& price);

// The tax that is put on top of amounts as written, per mille; 0: they include it.
std::int64_t added_tax(const PlanSource& plan, const Placed<std::int64_t>& tax);
// An amount in micros with its added tax, half a micro up.
std::int64_t with_tax(std::int64_t micros, std::int64_t tax);

}  // namespace levy::rating
