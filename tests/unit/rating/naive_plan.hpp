// The reference's reading of a plan: which service and which rate a message falls under, straight
// from the source as written, and until when the times that the service asks for stay as they are.
// Core: test. Allocates: yes. Blocks: never. Clock: in the message.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "rating/request.hpp"
#include "tests/unit/rating/naive_price.hpp"
#include "tests/unit/rating/naive_time.hpp"

namespace levy::rating::naive {

// Where the user is: one place, or a cell with its tracking area.
struct Location {
  enum class Kind { absent, cgi, sai, tai, ecgi, tai_and_ecgi } kind = Kind::absent;
  std::string mcc, mnc;
  int area = 0;                             // LAC or TAC
  int cell = 0;                             // CI, SAC or E-UTRAN cell
  std::string bytes() const;                // 3GPP-User-Location-Info of TS 29.061 16.4.7
  std::vector<std::string> places() const;  // as a zone writes them, the cell first
};

// What a message says besides its units. Empty and -1: the AVP is absent.
struct Facts {
  std::string context, apn, plmn, called, calling, characteristics;
  Location location;
  int rat = -1, role = -1;
};

// One MSCC.
struct Units {
  std::optional<std::uint32_t> rating_group;
  std::vector<std::uint32_t> identifiers;  // ascending
  int qci = 0;                             // 0: absent
  bool has_requested = false, has_used = false;
  std::int64_t requested = 0, used = 0;  // of the service's unit; 0: that number is absent
  std::int64_t other_unit = 0;           // a number of a unit that is not the service's
  std::uint16_t reasons = 0;
};

constexpr std::size_t no_service = 0xffff;

class NaivePlan {
 public:
  // No usage is before `start`.
  NaivePlan(const Catalogue& catalogue, std::int64_t start);

  std::size_t service_of(const Facts& facts, const Units& units) const;
  // 0: the service's own price; k: its k-th rate.
  std::size_t rate_of(std::size_t service, const Facts& facts, const Units& units,
                      std::int64_t usage_time) const;
  NaivePrice& price(std::size_t service, std::size_t rate) { return prices_[service][rate]; }
  // The first change of a time that its rates ask for, at most 31 days ahead; 0: none.
  std::int64_t next_change(std::size_t service, std::int64_t usage_time);
  const PlanSource& source() const { return catalogue_.plans[0]; }
  const ServiceSource& service(std::size_t k) const { return source().services[k]; }
  bool holds(const ConditionSource& condition, const Facts& facts, const Units& units,
             std::int64_t usage_time) const;
  const NamedTime& time(const std::string& name) const;
  // The zone of a number by its longest prefix, "" = none.
  std::string zone_of_number(const std::string& number) const;
  std::string zone_of_network(const std::string& plmn) const;
  std::string zone_of_location(const Location& location) const;

 private:
  const Catalogue& catalogue_;
  std::vector<std::vector<NaivePrice>> prices_;
  std::vector<NamedTime> times_;
};

// Of a Service-Context-Id: data, voice, sms, mms or other.
std::string context_word(const std::string& service_context_id);

}  // namespace levy::rating::naive
