// compile_sponsors: accounts that pay for services of a plan.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
#include <algorithm>

#include "rating/compile/checks.hpp"

namespace levy::rating {
namespace {

// With the mark and two digits of a Shard it is an account's name, too.
constexpr std::size_t sponsor_bytes_max = limits::account_name_bytes_max - 3;
constexpr std::int64_t slice_usual = 10'000'000;  // micros

}  // namespace

void compile_sponsors(const PlanSource& source, Checks& checks, CompiledPlan& plan) {
  std::vector<std::string> names;
  for (const SponsorSource& from : source.sponsors) {
    if (names.size() == limits::sponsors_per_plan_max) {
      checks.fault(from.place, "a plan has at most " +
                                   std::to_string(limits::sponsors_per_plan_max) +
                                   " sponsors; split the plan");
      return;
    }
    checks.name(from.name, from.place, "sponsor", names);
    const std::string& name = from.name.value;
    if (name.size() > sponsor_bytes_max || name.find(slice_mark) != std::string::npos)
      checks.fault(from.name.place,
                   "sponsor is '" + name + "'; allowed: an account's name of 1 to " +
                       std::to_string(sponsor_bytes_max) + " bytes without '" + slice_mark + "'");
    plan.own_texts.push_back(std::make_unique<std::string>(name));
    Sponsor& sponsor = plan.own_sponsors.emplace_back();
    sponsor.account = *plan.own_texts.back();
    sponsor.slice = from.slice.given ? checks.amount(from.slice, "slice") : slice_usual;
    if (sponsor.slice == 0)
      checks.fault(from.slice.place, "slice is '" + from.slice.value + "'; allowed: above 0");
  }
}

// Its id becomes the name's in Names; here, one more than its place among the plan's sponsors.
void compile_sponsor(const ServiceSource& source, const PlanSource& plan_source, Checks& checks,
                     Service& service) {
  if (!source.sponsor.given) return;
  const auto& all = plan_source.sponsors;
  const auto found = std::find_if(all.begin(), all.end(), [&](const SponsorSource& one) {
    return one.name.value == source.sponsor.value;
  });
  if (found == all.end())
    checks.fault(source.sponsor.place, "sponsor '" + source.sponsor.value +
                                           "' is not one of the plan's; add it under 'sponsors'");
  else
    service.sponsor = static_cast<std::uint16_t>(found - all.begin() + 1);
  if (service.price.free || (service.price.none && service.rate_count == 0))
    checks.fault(source.sponsor.place,
                 "sponsor has no effect on a service that costs no money; remove it");
}

}  // namespace levy::rating
