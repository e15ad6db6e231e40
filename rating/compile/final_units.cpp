// compile_final_units: what a gateway does when the last grant is used up.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
#include <cstring>

#include "rating/compile/checks.hpp"

namespace levy::rating {
namespace {

// Redirect-Address-Type 433 of a text; 0xff: none of them.
std::uint8_t redirect_type(std::string_view to) {
  if (to.starts_with("sip:") || to.starts_with("sips:")) return 3;
  if (to.find("://") != std::string_view::npos) return 2;
  if (to.empty()) return 0xff;
  if (to.find_first_not_of("0123456789.") == std::string_view::npos) {
    int parts = 0;
    int value = -1;
    for (const char c : std::string(to) + ".") {
      if (c == '.') {
        if (value < 0) return 0xff;
        ++parts;
        value = -1;
      } else {
        value = (value < 0 ? 0 : value) * 10 + (c - '0');
        if (value > 255) return 0xff;
      }
    }
    return parts == 4 ? 0 : 0xff;
  }
  const bool hexadecimal =
      to.find_first_not_of("0123456789abcdefABCDEF:") == std::string_view::npos;
  return hexadecimal && std::count(to.begin(), to.end(), ':') >= 2 ? 1 : 0xff;
}

void compile_redirect(const ServiceSource& source, Checks& checks, const Place& place,
                      Service& service) {
  const bool redirects = service.final_action == FinalAction::redirect;
  if (!redirects) {
    if (source.redirect_to.given)
      checks.absent(
          source.redirect_to.place, "action",
          "redirect_to has no effect without 'on_final: redirect'; remove it or set that");
    return;
  }
  if (!source.redirect_to.given) {
    checks.absent(
        source.on_final.given ? source.on_final.place : place, "to",
        "on_final is 'redirect' but redirect_to is missing; give a URL, SIP URI or address");
    return;
  }
  const std::string& to = source.redirect_to.value;
  service.redirect_type = redirect_type(to);
  if (service.redirect_type == 0xff || to.size() >= sizeof service.redirect_address) {
    checks.fault(source.redirect_to.place,
                 "redirect_to is '" + to +
                     "'; allowed: a URL with '://', a SIP URI, an IPv4 or "
                     "IPv6 address, of at most " +
                     std::to_string(sizeof service.redirect_address - 1) + " bytes");
    service.redirect_type = 2;
    return;
  }
  std::memcpy(service.redirect_address, to.data(), to.size());
}

// "permit|deny in|out PROTOCOL from SOURCE to DESTINATION" of RFC 6733 4.3.1, by its words.
bool reads_as_filter_rule(std::string_view text) {
  if (text.starts_with("permit "))
    text.remove_prefix(7);
  else if (text.starts_with("deny "))
    text.remove_prefix(5);
  else
    return false;
  if (!text.starts_with("in ") && !text.starts_with("out ")) return false;
  const std::size_t from = text.find(" from ");
  return from != std::string_view::npos && text.find(" to ", from) != std::string_view::npos;
}

void compile_restrictions(const ServiceSource& source, Checks& checks, CompiledPlan& plan,
                          Service& service) {
  service.first_restriction = static_cast<std::uint32_t>(plan.own_restrictions.size());
  std::size_t bytes = 0;
  const auto add = [&](const Placed<std::string>& given, bool rule) {
    const std::string& text = given.value;
    if (service.final_action != FinalAction::restrict_access)
      return checks.fault(given.place,
                          "filter_ids and rules have no effect without 'on_final: "
                          "restrict_access'; remove them or set that");
    if (text.empty() || (rule && !reads_as_filter_rule(text)))
      return checks.fault(given.place,
                          rule ? "rule is '" + text +
                                     "'; allowed: 'permit|deny in|out PROTOCOL from SOURCE to "
                                     "DESTINATION' (RFC 6733 4.3.1)"
                               : "filter_id is empty; give the name of a filter of the gateway");
    bytes += 8 + ((text.size() + 3) & ~std::size_t{3});
    if (service.restriction_count == restrictions_max || bytes > restriction_bytes_max)
      return checks.fault(given.place, "filter_ids and rules together are more than " +
                                           std::to_string(restrictions_max) + ", or " +
                                           std::to_string(restriction_bytes_max) +
                                           " bytes as sent; use a filter of the gateway by name");
    plan.own_texts.push_back(std::make_unique<std::string>(text));
    plan.own_restrictions.push_back({*plan.own_texts.back(), rule});
    ++service.restriction_count;
  };
  for (const Placed<std::string>& rule : source.filter_rules) add(rule, true);
  for (const Placed<std::string>& id : source.filter_ids) add(id, false);
}

}  // namespace

void compile_final_units(const ServiceSource& source, const Place& place, Checks& checks,
                         CompiledPlan& plan, Service& service) {
  static constexpr Choices<FinalAction, 3> final_words{
      {{"terminate", FinalAction::terminate},
       {"redirect", FinalAction::redirect},
       {"restrict_access", FinalAction::restrict_access}}};
  service.final_action =
      checks.choice(source.on_final, "on_final", final_words, FinalAction::terminate);
  if (service.final_action != FinalAction::terminate && !source.validity.given)
    checks.absent(source.on_final.place, "validity",
                  "on_final is '" + source.on_final.value +
                      "' but validity is missing; the gateway needs it to "
                      "ask again (RFC 8506 8.34): give seconds, e.g. 600");
  compile_redirect(source, checks, place, service);
  compile_restrictions(source, checks, plan, service);
}

}  // namespace levy::rating
