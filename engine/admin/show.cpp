// Payloads of reads -> JSON (see show.hpp).
// Core: admin threads. Allocates: yes. Blocks: waits for reads. Clock: none.
#include "engine/admin/show.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/admin/amount.hpp"

namespace levy::admin {

namespace {

using Json = nlohmann::ordered_json;

std::string dumped(const Json& json) {
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

template <class T>
bool take(const std::uint8_t*& at, std::size_t& left, std::size_t count, std::vector<T>& into) {
  if (count > left / sizeof(T)) return false;
  const std::size_t before = into.size();
  into.resize(before + count);
  if (count > 0) std::memcpy(static_cast<void*>(&into[before]), at, count * sizeof(T));
  at += count * sizeof(T);
  left -= count * sizeof(T);
  return true;
}

std::string_view status_text(shard::AccountStatus status) {
  switch (status) {
    case shard::AccountStatus::active:
      return "active";
    case shard::AccountStatus::suspended:
      return "suspended";
    case shard::AccountStatus::barred:
      return "barred";
  }
  return "?";
}

std::string_view state_text(shard::SessionState state) {
  switch (state) {
    case shard::SessionState::free:
      return "free";
    case shard::SessionState::open:
      return "open";
    case shard::SessionState::ended:
      return "ended";
    case shard::SessionState::lost:
      return "lost";
    case shard::SessionState::superseded:
      return "superseded";
  }
  return "?";
}

std::string_view state_text(shard::ProductState state) {
  switch (state) {
    case shard::ProductState::free:
      return "free";
    case shard::ProductState::waiting:
      return "waiting";
    case shard::ProductState::active:
      return "active";
    case shard::ProductState::suspended:
      return "suspended";
  }
  return "?";
}

// "month", "2 weeks"
std::string every_text(const shard::Product::Due& due) {
  static constexpr const char* words[] = {"?", "hour", "day", "week", "month", "year"};
  const std::string word = due.unit < std::size(words) ? words[due.unit] : "?";
  return due.count == 1 ? word : std::to_string(due.count + 0u) + " " + word + "s";
}

// Why it is neither in force nor over.
std::string_view why_text(const shard::Product& product) {
  if (product.state == shard::ProductState::suspended) return "its fees could not be paid";
  if (product.state != shard::ProductState::waiting) return {};
  if (product.queued()) return "for the end of the one before it";
  return product.starts_at != 0 ? "for its start" : "for its first use";
}

Json product_json(ControlDoor& door, const shard::Product& product) {
  Json out;
  out["product"] = door.name_of(product.plan);
  out["number"] = product.number;
  out["state"] = state_text(product.state);
  if (const auto why = why_text(product); !why.empty()) out["why"] = why;
  out["bought_at"] = product.bought_at;
  if (product.starts_at != 0) out["starts_at"] = product.starts_at;
  if (product.ends_at != 0) out["ends_at"] = product.ends_at;
  Json cycles = Json::array();
  for (const shard::Product::Due& due : product.due) {
    if (due.at == 0) continue;
    cycles.push_back(
        {{"every", every_text(due)}, {"next_due_at", due.at}, {"periods", due.periods + 0u}});
  }
  out["cycles"] = std::move(cycles);
  return out;
}

// A bucket has its product's number as long as that is held.
void put_product(ControlDoor& door, const AccountImage& image, const rating::Bucket& bucket,
                 Json& out) {
  if (bucket.product == 0) return;
  for (const shard::Product& product : image.products) {
    if (product.number == bucket.product) out["product"] = door.name_of(product.plan);
  }
  out["product_number"] = bucket.product;
  out["rolled"] = bucket.rolled;
}

// What the subscriber in the slot is known by: IMSI, else E.164, else one of its other identities.
std::string owner_text(ControlDoor& door, const AccountImage& image, Slot owner) {
  Slot slot = image.account.first_subscriber;
  for (const shard::Subscriber& subscriber : image.subscribers) {
    if (slot == owner && subscriber.imsi != 0) return "imsi:" + digits_text(subscriber.imsi);
    if (slot == owner && subscriber.e164 != 0) return "e164:" + digits_text(subscriber.e164);
    slot = subscriber.next;
  }
  for (const shard::OperatorIdentity& identity : image.identities) {
    const auto found = door.find(identity.type, identity.view());
    if (!found || found->slot != owner) continue;
    const bool sip = identity.type == rating::IdentityType::sip_uri;
    return (sip ? "" : std::string(identity_type_text(identity.type)) + ":") +
           std::string(identity.view());
  }
  return "";
}

Json bucket_json(ControlDoor& door, const AccountImage& image, const rating::Bucket& bucket) {
  Json out;
  out["kind"] = bucket.kind == 0 ? "wallet" : door.name_of(bucket.kind);
  out["unit"] = unit_text(bucket.unit);
  if (bucket.unit == rating::Unit::money) out["currency"] = currency_letters(bucket.currency);
  out["free"] = amount_text(bucket.free(), bucket.unit);
  out["reserved"] = amount_text(bucket.reserved, bucket.unit);
  out["credits"] = amount_text(bucket.credits, bucket.unit);
  out["spent"] = amount_text(bucket.spent, bucket.unit);
  out["written_off"] = amount_text(bucket.written_off, bucket.unit);
  out["in_transit"] = amount_text(bucket.in_transit, bucket.unit);
  out["priority"] = bucket.priority;
  if (bucket.starts_at != 0) out["starts_at"] = bucket.starts_at;
  if (bucket.ends_at != 0) out["ends_at"] = bucket.ends_at;
  if (bucket.step > 1) out["step"] = bucket.step;
  if (bucket.owner != none) out["owner"] = owner_text(door, image, bucket.owner);
  put_product(door, image, bucket, out);
  return out;
}

Json counters_json(ControlDoor& door, const AccountImage& image) {
  Json all = Json::array();
  for (const shard::CounterShown& shown : image.counters) {
    const rating::Counter& counter = shown.counter;
    Json out;
    out["counter"] = door.name_of(counter.name);
    out["unit"] = unit_text(counter.unit);
    out["value"] = amount_text(shown.value, counter.unit);
    if (shown.of_bucket) out["of"] = amount_text(shown.credited, counter.unit);
    if (shown.limit != 0) out["limit"] = amount_text(shown.limit, counter.unit);
    if (counter.reserved != 0) out["reserved"] = amount_text(counter.reserved, counter.unit);
    if (counter.level != 0) out["level"] = door.name_of(counter.level);
    if (counter.level_since != 0) out["level_since"] = counter.level_since;
    if (counter.resets_at != 0) out["resets_at"] = counter.resets_at;
    if (shown.imsi != 0) out["subscriber"] = digits_text(shown.imsi);
    if (!shown.declared) out["declared"] = false;
    all.push_back(std::move(out));
  }
  return all;
}

// Segments by their names, where a plan in force still has them; friends; what is owed of a loan.
void put_attributes(Json& out, ControlDoor& door, const AccountImage& image) {
  const std::vector<PlanInfo> plans = door.plans();
  for (const std::uint32_t key : image.account.segments) {
    if (key == 0) continue;
    std::string name = "of no plan in force";
    for (const PlanInfo& plan : plans)
      for (const std::string& segment : plan.segments)
        if (shard::segment_key(segment) == key) name = segment;
    out["segments"].push_back(name);
  }
  for (const std::uint64_t key : image.friends) {
    char digits[16];
    out["friends"].push_back(std::string(digits, shard::number_digits(key, digits)));
  }
  if (image.account.loan != 0) out["loan"] = money_text(image.account.loan);
}

Json account_json(ControlDoor& door, const AccountImage& image, ShardId shard) {
  const shard::Account& account = image.account;
  Json out;
  out["account"] = account.name_text();
  out["status"] = status_text(account.status);
  out["plan"] = account.plan == 0 ? "" : door.name_of(account.plan);
  out["credit_limit"] = money_text(account.credit_limit);
  out["created_at"] = account.created_at;
  if (account.valid_until != 0 && account.valid_until != shard::valid_for_ever)
    out["valid_until"] = account.valid_until;
  out["shard"] = shard.value;
  out["sessions_open"] = image.session_count;
  put_attributes(out, door, image);
  Json subscribers = Json::array();
  for (const shard::Subscriber& subscriber : image.subscribers) {
    Json row = Json::object();
    if (subscriber.imsi != 0) row["imsi"] = digits_text(subscriber.imsi);
    if (subscriber.e164 != 0) row["e164"] = digits_text(subscriber.e164);
    subscribers.push_back(std::move(row));
  }
  out["subscribers"] = std::move(subscribers);
  Json others = Json::array();
  for (const shard::OperatorIdentity& identity : image.identities) {
    others.push_back({{"type", identity_type_text(identity.type)}, {"text", identity.view()}});
  }
  out["other_identities"] = std::move(others);
  Json products = Json::array();
  for (const shard::Product& product : image.products)
    products.push_back(product_json(door, product));
  out["products"] = std::move(products);
  if (!image.counters.empty()) out["counters"] = counters_json(door, image);
  Json buckets = Json::array();
  for (const rating::Bucket& bucket : image.buckets)
    buckets.push_back(bucket_json(door, image, bucket));
  out["buckets"] = std::move(buckets);
  return out;
}

Json group_json(ControlDoor& door, const shard::GroupRow& row) {
  const rating::Group& group = row.group;
  Json out;
  out["rating_group"] = (group.flags & rating::group_has_rating_group) != 0
                            ? Json(group.rating_group)
                            : Json(nullptr);
  Json services = Json::array();
  for (std::size_t i = 0; i < group.service_identifier_count; ++i) {
    services.push_back(group.service_identifiers[i]);
  }
  if (!services.empty()) out["service_identifiers"] = std::move(services);
  out["granted"] = group.granted;
  out["used"] = group.used_total;
  out["charged"] = money_text(group.money_total);
  out["final"] = (group.flags & rating::group_final) != 0;
  Json reserved = Json::array();
  for (std::size_t i = 0; i < row.purses.size(); ++i) {
    const rating::Reservation& part = group.reservations[i];
    const shard::GroupRow::Purse& purse = row.purses[i];
    if (part.amount == 0) continue;
    Json item;
    item["bucket"] = purse.kind == 0 ? "wallet" : door.name_of(purse.kind);
    item["unit"] = unit_text(purse.unit);
    if (purse.unit == rating::Unit::money) item["currency"] = currency_letters(purse.currency);
    item["amount"] = amount_text(part.amount, purse.unit);
    reserved.push_back(std::move(item));
  }
  out["reserved"] = std::move(reserved);
  return out;
}

Json session_json(ControlDoor& door, const shard::SessionRow& row,
                  const std::vector<shard::GroupRow>& groups) {
  const shard::Session& state = row.state;
  const std::size_t head = std::min<std::size_t>(state.id_bytes, sizeof state.id_head);
  const std::size_t tail = std::min<std::size_t>(row.id_tail_bytes, sizeof row.id_tail);
  Json out;
  out["session_id"] = std::string(state.id_head, head) + std::string(row.id_tail, tail);
  out["state"] = state_text(state.state);
  out["application"] = state.application;
  out["opened_at"] = state.opened_at;
  out["last_seen_at"] = state.last_seen_at;
  out["highest_request_number"] = state.number_max;
  out["reauth_wanted"] = state.reauth_wanted;
  out["reauth_acked"] = state.reauth_acked;
  Json rows = Json::array();
  for (const shard::GroupRow& group : groups) rows.push_back(group_json(door, group));
  out["groups"] = std::move(rows);
  return out;
}

Answer layout_fault(std::string_view what) {
  return error_answer(500, "internal", std::string(what) + ": the payload has an unknown layout");
}

}  // namespace

namespace {

// Appends one page of show_account. false: the Shard and this module disagree on its layout.
bool take_page(const std::vector<std::uint8_t>& payload, shard::Account& account,
               AccountImage& image) {
  shard::ShowHeader header;
  if (payload.size() < sizeof header + sizeof account) return false;
  std::memcpy(&header, payload.data(), sizeof header);
  std::memcpy(&account, payload.data() + sizeof header, sizeof account);
  const std::uint8_t* at = payload.data() + sizeof header + sizeof account;
  std::size_t left = payload.size() - sizeof header - sizeof account;
  image.session_count = header.session_count;
  image.friends.assign(header.friends.begin(), header.friends.begin() + header.friend_count);
  return take(at, left, header.subscriber_count, image.subscribers) &&
         take(at, left, header.identity_count, image.identities) &&
         take(at, left, header.bucket_count, image.buckets) &&
         take(at, left, header.product_count, image.products) &&
         take(at, left, header.counter_count, image.counters) && left == 0;
}

// Whether the lists that the cursor counts have changed, or the products of the first page.
bool same_lists(const shard::Account& a, const shard::Account& b) {
  return a.first_bucket == b.first_bucket && a.first_subscriber == b.first_subscriber &&
         a.subscriber_count == b.subscriber_count && a.first_product == b.first_product &&
         a.product_number == b.product_number && a.settle_at == b.settle_at;
}

}  // namespace

std::optional<Answer> read_account(ControlDoor& door, const Target& target, AccountImage& image) {
  constexpr int pages_max = 10'000;  // ends a walk over an account that changes all the time
  shard::OperatorRequest request = request_for(shard::OperatorKind::show_account, target);
  image = AccountImage{};
  for (int page = 0; page < pages_max; ++page) {
    const CallResult result = door.call(target.shard, request);
    if (refused(result.reply.result)) return refusal(result.reply.result, target.identity.text);
    shard::Account account;
    if (!take_page(result.payload, account, image)) return layout_fault("show_account");
    if (request.cursor != 0 && !same_lists(account, image.account)) {
      image = AccountImage{};
      request.cursor = 0;
      continue;
    }
    image.account = account;
    if (result.reply.id == none) return std::nullopt;
    if (result.reply.id <= request.cursor) return layout_fault("show_account");
    request.cursor = result.reply.id;
  }
  return error_answer(503, "busy", "the account changes faster than it can be read", "try again");
}

std::vector<IdentityText> identity_texts(const AccountImage& image) {
  std::vector<IdentityText> texts;
  for (const shard::Subscriber& subscriber : image.subscribers) {
    if (subscriber.imsi != 0)
      texts.push_back({rating::IdentityType::imsi, digits_text(subscriber.imsi)});
    if (subscriber.e164 != 0)
      texts.push_back({rating::IdentityType::e164, digits_text(subscriber.e164)});
  }
  for (const shard::OperatorIdentity& identity : image.identities) {
    texts.push_back({identity.type, std::string(identity.view())});
  }
  return texts;
}

std::string digits_text(std::uint64_t packed) {
  if (packed == 0) return {};
  char digits[16];
  return {digits, shard::unpack_digits(packed, digits)};
}

Answer subscriber_json(ControlDoor& door, const Target& target) {
  AccountImage image;
  if (auto fault = read_account(door, target, image)) return *fault;
  return {200, dumped(account_json(door, image, target.shard))};
}

Answer sessions_json(ControlDoor& door, const Target& target) {
  shard::OperatorRequest request = request_for(shard::OperatorKind::list_sessions, target);
  Json rows = Json::array();
  std::set<Slot> seen;  // a session that opens meanwhile moves all others by one
  // The cursor ends the walk; the bound only ends a walk over sessions that come as fast as it
  // goes.
  constexpr int pages_max = 10'000;
  for (int page = 0; page < pages_max; ++page) {
    const CallResult result = door.call(target.shard, request);
    if (refused(result.reply.result)) return refusal(result.reply.result, target.identity.text);
    const std::uint8_t* at = result.payload.data();
    std::size_t left = result.payload.size();
    for (std::uint32_t i = 0; i < result.reply.payload_items; ++i) {
      std::vector<shard::SessionRow> row;
      std::vector<shard::GroupRow> groups;
      if (!take(at, left, 1, row) || !take(at, left, row[0].group_count, groups)) {
        return layout_fault("list_sessions");
      }
      if (seen.insert(row[0].session).second) rows.push_back(session_json(door, row[0], groups));
    }
    if (left != 0) return layout_fault("list_sessions");
    if (result.reply.id == none) return {200, dumped(Json{{"sessions", std::move(rows)}})};
    request.cursor = result.reply.id;
  }
  return error_answer(503, "busy", "the list of sessions did not come to an end", "try again");
}

Answer one_session_json(ControlDoor& door, const CallResult& shown) {
  const std::uint8_t* at = shown.payload.data();
  std::size_t left = shown.payload.size();
  std::vector<shard::Account> account;
  std::vector<shard::SessionRow> row;
  std::vector<shard::GroupRow> groups;
  if (!take(at, left, 1, account) || !take(at, left, 1, row) ||
      !take(at, left, row[0].group_count, groups) || left != 0) {
    return layout_fault("show_session");
  }
  Json out = {{"account", account[0].name_text()}};
  out.update(session_json(door, row[0], groups));
  return {200, dumped(out)};
}

}  // namespace levy::admin
