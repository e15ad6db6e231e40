// What operators do with an account's add-ons (see operations.hpp).
// Core: admin threads. Allocates: yes. Blocks: waits for durability. Clock: system, for dates.
#include <algorithm>

#include "engine/admin/amount.hpp"
#include "engine/admin/date.hpp"
#include "engine/admin/fields.hpp"
#include "engine/admin/operations.hpp"
#include "engine/admin/product_names.hpp"
#include "engine/admin/show.hpp"
#include "engine/base/hash.hpp"

namespace levy::admin {

namespace {

using shard::OperatorKind;
using shard::OperatorResult;

const PlanInfo* find_plan(const std::vector<PlanInfo>& plans, std::string_view name) {
  const auto found = std::find_if(plans.begin(), plans.end(),
                                  [&](const PlanInfo& plan) { return plan.name == name; });
  return found != plans.end() ? &*found : nullptr;
}

std::string quoted(std::string_view name) {
  return "\"" + std::string(name) + "\"";
}

bool yes_or_no(Fields& fields, std::string_view key) {
  const std::string_view text = fields.text(key);
  if (!text.empty() && text != "true" && text != "false")
    fields.fail(quoted(key) + " is true or false");
  return text == "true";
}

// "roaming-pass 2, roaming-pass 5": what an account holds beside its base plan.
std::string held_text(ControlDoor& door, const AccountImage& image) {
  std::string text;
  for (const shard::Product& product : image.products) {
    if (product.plan == image.account.plan) continue;
    text += (text.empty() ? "" : ", ") + door.name_of(product.plan) + " " +
            std::to_string(product.number);
  }
  return text.empty() ? "the account holds no add-on" : "the account holds: " + text;
}

// What the Shard's word means for a purchase: it says no more than `invalid`.
Answer not_bought(ControlDoor& door, const Target& target, OperatorResult result,
                  const PlanInfo& product, std::string_view id) {
  if (result == OperatorResult::insufficient) {
    return error_answer(409, "insufficient",
                        std::string(id) + ": the fees of " + product.name + " cannot be paid",
                        "top up first: reserved credit of open sessions is not free");
  }
  AccountImage image;
  if (result == OperatorResult::invalid && !read_account(door, target, image)) {
    for (const PlanInfo& plan : door.plans()) {
      if (plan.id != image.account.plan || plan.currency == product.currency) continue;
      return error_answer(422, "invalid",
                          product.name + " is in " + currency_letters(product.currency) +
                              ", the account's plan " + plan.name + " in " +
                              currency_letters(plan.currency),
                          "an add-on has its base plan's currency");
    }
  }
  return refusal(result, id);
}

// What it holds instead of what was asked for.
Answer not_ended(ControlDoor& door, const Target& target, OperatorResult result,
                 std::string_view name, std::string_view id) {
  AccountImage image;
  if (result != OperatorResult::not_found || read_account(door, target, image))
    return refusal(result, id);
  return error_answer(
      404, "not_found",
      std::string(id) + " does not hold " + std::string(name) + ", or not under that number",
      held_text(door, image));
}

// A product that is held but whose plan is gone from the files has a name of the catalogue still.
std::uint16_t held_plan(ControlDoor& door, const Target& target, std::string_view name) {
  AccountImage image;
  if (read_account(door, target, image)) return 0;
  for (const shard::Product& product : image.products) {
    if (product.plan != image.account.plan && door.name_of(product.plan) == name)
      return product.plan;
  }
  return 0;
}

}  // namespace

std::string names_text(const std::vector<PlanInfo>& plans, bool addons) {
  std::string text;
  for (const PlanInfo& plan : plans) {
    if (plan.addon == addons) text += " " + plan.name;
  }
  return text.empty() ? " none" : text;
}

const PlanInfo* find_base(const std::vector<PlanInfo>& plans, std::string_view name,
                          Fields& fields) {
  const PlanInfo* found = find_plan(plans, name);
  if (found != nullptr && !found->addon) return found;
  if (found != nullptr) {
    fields.fail(quoted(name) + " is an add-on, not a base plan",
                "buy it: `levyctl buy`, POST …/buy; base plans:" + names_text(plans, false));
  } else {
    fields.fail("no plan " + quoted(name), "plans:" + names_text(plans, false));
  }
  return nullptr;
}

const PlanInfo* find_addon(const std::vector<PlanInfo>& plans, std::string_view name,
                           Fields& fields) {
  const PlanInfo* found = find_plan(plans, name);
  if (found != nullptr && found->addon) return found;
  if (found != nullptr) {
    fields.fail(quoted(name) + " is a base plan, not an add-on",
                "an account's base plan: `levyctl subscriber set ID plan`, POST …/plan; add-ons:" +
                    names_text(plans, true));
  } else {
    fields.fail("no add-on " + quoted(name), "add-ons:" + names_text(plans, true));
  }
  return nullptr;
}

Answer Operations::buy(std::string_view id, const Asked& asked) {
  Fields fields(asked, {"product", "starts", "ends", "running", "key", "who", "why"});
  const std::string_view name = fields.required("product");
  const auto target = find_target(door_, id);
  if (!target) return fields.fault() ? *fields.fault() : unknown_target(id);
  shard::OperatorRequest request = request_for(OperatorKind::buy_product, *target);
  put_reasons(fields, request);
  request.flag = yes_or_no(fields, "running");
  const std::vector<PlanInfo> plans = door_.plans();
  if (fields.fault()) return *fields.fault();
  const PlanInfo* product = find_addon(plans, name, fields);
  if (product == nullptr) return *fields.fault();
  const std::string_view starts = fields.text("starts"), ends = fields.text("ends");
  if (request.flag && starts.empty())
    return error_answer(400, "bad_request", "\"running\" without \"starts\"",
                        "say since when it runs: its periods count from there");
  ProductDates dates;
  const std::string_view why =
      product_dates(starts, ends, request.flag, unix_now(), product->changes(), dates);
  if (!why.empty()) {
    return error_answer(
        400, "bad_request",
        "starts " + quoted(starts) + ", ends " + quoted(ends) + ": " + std::string(why));
  }
  request.plan = product->id;
  // Without a date the Shard takes its own clock, which no purchase can be ahead of or behind.
  const bool at_once = starts == "now" && !request.flag && !product->at_first_use;
  request.starts_at = at_once ? 0 : dates.starts_at;
  request.ends_at = dates.ends_at;
  // The words, not what the clock makes of them: a repeat of the key has the same digest.
  request.digest = stable_hash("buy|" + product->name + "|" + std::string(starts) + "|" +
                               std::string(ends) + (request.flag ? "|running" : "|"));
  const OperatorResult result = try_change(request, *target);
  return refused(result) ? not_bought(door_, *target, result, *product, id)
                         : changed(result, *target);
}

Answer Operations::end(std::string_view id, const Asked& asked) {
  Fields fields(asked, {"product", "number", "with_period", "key", "who", "why"});
  const std::string_view name = fields.required("product");
  const auto target = find_target(door_, id);
  if (!target) return fields.fault() ? *fields.fault() : unknown_target(id);
  shard::OperatorRequest request = request_for(OperatorKind::end_product, *target);
  put_reasons(fields, request);
  request.flag = yes_or_no(fields, "with_period");
  request.cursor = static_cast<std::uint32_t>(fields.number("number", UINT16_MAX));
  if (fields.has("number") && request.cursor == 0) fields.fail("\"number\" begins with 1");
  const std::vector<PlanInfo> plans = door_.plans();
  if (fields.fault()) return *fields.fault();
  // Held, though a reload has taken the add-on away or made it a base plan.
  const PlanInfo* known = find_plan(plans, name);
  if (known == nullptr || !known->addon) request.plan = held_plan(door_, *target, name);
  if (request.plan == 0) {
    const PlanInfo* product = find_addon(plans, name, fields);
    if (product == nullptr) return *fields.fault();
    request.plan = product->id;
  }
  request.digest = stable_hash("end|" + std::string(name) + "|" + std::to_string(request.cursor) +
                               (request.flag ? "|with_period" : "|"));
  const OperatorResult result = try_change(request, *target);
  return refused(result) ? not_ended(door_, *target, result, name, id) : changed(result, *target);
}

}  // namespace levy::admin
