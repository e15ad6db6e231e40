// Operations on what an account is beside its money (segments, a list of numbers), and its loan.
// Core: admin threads. Allocates: yes. Blocks: on the Shard's answer. Clock: none.
#include <algorithm>

#include "engine/admin/fields.hpp"
#include "engine/admin/operations.hpp"
#include "engine/base/hash.hpp"

namespace levy::admin {

using shard::OperatorKind;

namespace {

// One of two keys, of which the second takes away.
std::string_view one_of(Fields& fields, std::string_view add, std::string_view remove,
                        bool& removes) {
  removes = fields.has(remove);
  if (fields.has(add) == removes)
    fields.fail("say either " + std::string(add) + " or " + std::string(remove));
  return fields.text(removes ? remove : add);
}

}  // namespace

// A name that no plan asks for is a slip of the pen; one that plans have forgotten can be removed.
Answer Operations::set_segment(std::string_view id, const Asked& asked) {
  Fields fields(asked, {"segment", "not_segment", "key", "who", "why"});
  bool removes = false;
  const std::string name(one_of(fields, "segment", "not_segment", removes));
  const auto target = find_target(door_, id);
  if (!target) return fields.fault() ? *fields.fault() : unknown_target(id);
  shard::OperatorRequest request = request_for(OperatorKind::set_segment, *target);
  put_reasons(fields, request);
  if (name.empty() || name.size() > limits::name_bytes_max)
    fields.fail("segment \"" + name + "\" is no name", "1 to " +
                                                           std::to_string(limits::name_bytes_max) +
                                                           " bytes");
  bool known = false;
  std::string names;
  for (const PlanInfo& plan : door_.plans()) {
    for (const std::string& segment : plan.segments) {
      known |= segment == name;
      if (names.find(segment) == names.npos) names += (names.empty() ? "" : ", ") + segment;
    }
  }
  if (!known && !removes)
    fields.fail("no plan's condition names a segment \"" + name + "\"",
                names.empty() ? "no plan has such a condition" : "there are: " + names);
  if (fields.fault()) return *fields.fault();
  put_text(request.name, name);
  request.flag = removes;
  request.digest = stable_hash((removes ? "not_segment|" : "segment|") + name);
  return change(id, request, *target);
}

Answer Operations::set_friend(std::string_view id, const Asked& asked) {
  Fields fields(asked, {"friend", "not_friend", "key", "who", "why"});
  bool removes = false;
  std::string number(one_of(fields, "friend", "not_friend", removes));
  const auto target = find_target(door_, id);
  if (!target) return fields.fault() ? *fields.fault() : unknown_target(id);
  shard::OperatorRequest request = request_for(OperatorKind::set_friend, *target);
  put_reasons(fields, request);
  if (number.starts_with('+')) number.erase(0, 1);
  if (shard::number_key(number) == 0)
    fields.fail("\"" + number + "\" is no number", "1 to 15 digits, international, as 4930123456");
  if (fields.fault()) return *fields.fault();
  put_text(request.name, number);
  request.flag = removes;
  request.digest = stable_hash((removes ? "not_friend|" : "friend|") + number);
  return change(id, request, *target);
}

Answer Operations::lend(std::string_view id, const Asked& asked) {
  Fields fields(asked, {"key", "who", "why"});
  const auto target = find_target(door_, id);
  if (!target) return fields.fault() ? *fields.fault() : unknown_target(id);
  shard::OperatorRequest request = request_for(OperatorKind::lend, *target);
  put_reasons(fields, request);
  request.digest = stable_hash("loan|");
  return fields.fault() ? *fields.fault() : change(id, request, *target);
}

}  // namespace levy::admin
