// Lines of an import -> values (see import_row.hpp).
// Core: admin threads. Allocates: for faults and JSON. Blocks: never. Clock: none.
#include "engine/admin/import_row.hpp"

#include <nlohmann/json.hpp>

#include "engine/admin/amount.hpp"
#include "engine/admin/date.hpp"
#include "engine/admin/product_names.hpp"

namespace levy::admin {

namespace {

constexpr std::string_view column_names[column_count] = {
    "account",  "imsi",   "e164",         "sip",     "nai",    "private", "plan",
    "currency", "wallet", "credit_limit", "buckets", "status", "products", "own_wallet",
    "own_buckets"};

std::string quoted(std::string_view column, std::string_view text, std::string_view why) {
  return std::string(column) + " \"" + std::string(text) + "\": " + std::string(why);
}

// Collects one flat object: every value as its text, numbers as they are written.
struct RowSax : nlohmann::json_sax<nlohmann::json> {
  std::array<std::string, column_count> texts;
  std::string fault;
  std::string bucket;  // key inside the "buckets" object
  Column column{};
  int depth = 0;
  bool listing = false;  // inside the "products" array

  bool take(std::string_view text) {
    std::string& into = texts[static_cast<std::size_t>(column)];
    if (depth == 0) return fail("not a JSON object");
    if ((depth == 2 || listing) && !into.empty()) into += ';';
    if (depth == 2) into += bucket + "=";
    into += text;
    return true;
  }
  bool fail(std::string_view why) {
    fault = why;
    return false;
  }
  bool null() override { return depth > 0 || fail("not a JSON object"); }
  bool boolean(bool) override { return fail("a value is neither text nor a number"); }
  bool number_integer(number_integer_t value) override { return take(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return take(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override { return take(text); }
  bool string(string_t& text) override { return take(text); }
  bool binary(binary_t&) override { return fail("a value is neither text nor a number"); }
  bool start_object(std::size_t) override {
    const bool may = column == Column::buckets || column == Column::own_buckets;
    if (listing || (depth == 1 && !may))
      return fail("only \"buckets\" and \"own_buckets\" may be objects");
    return ++depth <= 2 || fail("an object inside \"buckets\"");
  }
  bool end_object() override {
    --depth;
    return true;
  }
  bool start_array(std::size_t) override {
    if (depth != 1 || listing || column != Column::products)
      return fail("an array where text is expected");
    return listing = true;
  }
  bool end_array() override {
    listing = false;
    return true;
  }
  bool key(string_t& text) override {
    if (depth == 2) {
      bucket = text;
      return true;
    }
    const auto known = column_of(text);
    if (!known) return fail("unknown key \"" + text + "\"");
    column = *known;
    if (!texts[static_cast<std::size_t>(column)].empty()) return fail("key \"" + text + "\" twice");
    return true;
  }
  bool parse_error(std::size_t at, const std::string&,
                   const nlohmann::detail::exception&) override {
    return fail("not JSON, at byte " + std::to_string(at));
  }
};

// `own`: of the line's subscriber.
std::string parse_buckets(std::string_view text, const Names& names, bool own,
                          RowValues& values) {
  const std::string_view column = own ? "own_buckets" : "buckets";
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    const std::string_view item = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (item.empty()) continue;
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) return quoted(column, item, "not kind=amount");
    const auto kind = names.kinds.find(trimmed(item.substr(0, equals)));
    if (kind == names.kinds.end()) return quoted(column, item, "no such bucket kind");
    if (values.bucket_count == values.buckets.size()) return "more than 8 buckets in one line";
    RowBucket& bucket = values.buckets[values.bucket_count++];
    bucket.kind = &kind->second;
    bucket.own = own;
    const std::string_view why =
        parse_units(item.substr(equals + 1), kind->second.unit, Sign::positive, bucket.amount);
    if (!why.empty()) return quoted(column, item, why);
  }
  return {};
}

// What the line's subscriber has beside its account: a wallet and buckets of its own.
std::string parse_own(std::string_view wallet, std::string_view buckets, const Names& names,
                      RowValues& values) {
  if (wallet.empty() && buckets.empty()) return {};
  if (values.identity_count == 0)
    return "own_wallet or own_buckets, and no identity whose they are";
  if (!wallet.empty()) {
    if (values.bucket_count == values.buckets.size()) return "more than 8 buckets in one line";
    RowBucket& bucket = values.buckets[values.bucket_count++];
    bucket.own = true;
    const std::string_view why = parse_money(wallet, Sign::positive, bucket.amount);
    if (!why.empty()) return quoted("own_wallet", wallet, why);
    if (values.currency == 0) return "an own_wallet without a currency: give a currency or a plan";
  }
  return parse_buckets(buckets, names, true, values);
}

// "name" or "name@DATE". Returns why not, or empty.
std::string find_running(std::string_view text, const Names& names, const PlanInfo*& plan,
                         std::uint32_t& starts_at) {
  auto found = names.plans.find(text);
  std::string_view date;
  if (const std::size_t at = text.rfind('@'); found == names.plans.end() && at != text.npos) {
    found = names.plans.find(trimmed(text.substr(0, at)));
    date = text.substr(at + 1);
    if (found != names.plans.end() && trimmed(date).empty()) return "there is no date after the @";
  }
  if (found == names.plans.end()) return "no such plan";
  plan = &found->second;
  ProductDates dates;
  const std::string_view why =
      product_dates(date, {}, /*running=*/true, names.now, plan->changes(), dates);
  starts_at = dates.starts_at;
  return std::string(why);
}

std::string parse_products(std::string_view text, const Names& names, RowValues& values) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    const std::string_view item = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (item.empty()) continue;
    if (values.product_count == values.products.size()) return "more than 8 products in one line";
    RowProduct& product = values.products[values.product_count++];
    std::string why = find_running(item, names, product.plan, product.starts_at);
    if (product.plan == nullptr && why == "no such plan")
      why = "no such add-on; add-ons:" + names.known_addons;
    if (why.empty() && !product.plan->addon) why = "a base plan: write it into the column plan";
    if (!why.empty()) return quoted("products", item, why);
  }
  return {};
}

std::string parse_plan(std::string_view text, const Names& names, RowValues& values) {
  const PlanInfo* plan = nullptr;
  std::string why = find_running(text, names, plan, values.plan_starts_at);
  if (why.empty() && plan->addon) why = "an add-on: write it into the column products";
  if (why.empty() && values.plan_starts_at != 0 && !plan->has_terms)
    why = "the plan has no periods: write its name without a date";
  if (!why.empty()) return quoted("plan", text, why);
  values.plan = plan->id;
  values.currency = plan->currency;
  return {};
}

std::string parse_identities(const RowTexts& texts, RowValues& values) {
  using enum rating::IdentityType;
  constexpr std::pair<Column, rating::IdentityType> kinds[] = {{Column::imsi, imsi},
                                                               {Column::e164, e164},
                                                               {Column::sip, sip_uri},
                                                               {Column::nai, nai},
                                                               {Column::private_id, private_id}};
  for (const auto& [column, type] : kinds) {
    const std::string_view text = texts[static_cast<std::size_t>(column)];
    if (text.empty()) continue;
    if (values.identity_count == values.identities.size()) {
      return "more than 4 identities in one line: give the fifth a line of its own";
    }
    RowIdentity& identity = values.identities[values.identity_count++];
    identity.type = type;
    const std::string_view why = checked_identity(type, text, identity.text);
    if (!why.empty()) return quoted(column_name(column), text, why);
  }
  return {};
}

}  // namespace

std::string_view column_name(Column column) {
  return column_names[static_cast<std::size_t>(column)];
}

std::optional<Column> column_of(std::string_view name) {
  for (std::size_t i = 0; i < column_count; ++i) {
    if (column_names[i] == name) return static_cast<Column>(i);
  }
  return std::nullopt;
}

Names::Names(ControlDoor& door) : now(unix_now()) {
  const std::vector<PlanInfo> infos = door.plans();
  known_addons = names_text(infos, true);
  for (const PlanInfo& info : infos) plans.emplace(info.name, info);
  for (BucketKindInfo& info : door.bucket_kinds()) kinds.emplace(info.name, info);
}

std::string CsvHeader::read(std::string_view line) {
  columns_.clear();
  std::uint32_t seen = 0;
  for (;;) {
    const std::size_t end = std::min(line.find(','), line.size());
    const std::string_view name = trimmed(line.substr(0, end));
    const auto column = column_of(name);
    if (!column) {
      std::string known;
      for (const std::string_view text : column_names) known += " " + std::string(text);
      return "unknown column \"" + std::string(name) + "\" in the header; known:" + known;
    }
    const std::uint32_t bit = 1u << static_cast<unsigned>(*column);
    if ((seen & bit) != 0) return "column \"" + std::string(name) + "\" twice in the header";
    seen |= bit;
    columns_.push_back(*column);
    if (end == line.size()) return {};
    line.remove_prefix(end + 1);
  }
}

std::string_view CsvHeader::cut(std::string& line, RowTexts& texts) const {
  char* at = line.data();
  char* const end = at + line.size();
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::string_view field;
    if (at < end && *at == '"') {
      char* into = ++at;
      const char* begin = into;
      for (;; ++at) {
        if (at == end) return "a quote that does not close on its line";
        if (*at == '"' && (at + 1 == end || *++at != '"')) break;
        *into++ = *at;
      }
      if (at + 1 == end && *at == '"') ++at;
      if (at != end && *at != ',') return "text after a closing quote";
      field = {begin, static_cast<std::size_t>(into - begin)};
    } else {
      const char* begin = at;
      while (at < end && *at != ',') {
        if (*at++ == '"') return "a quote inside a field that does not begin with one";
      }
      field = trimmed({begin, static_cast<std::size_t>(at - begin)});
    }
    texts[static_cast<std::size_t>(columns_[i])] = field;
    const bool last = i + 1 == columns_.size();
    if (at == end) return last ? std::string_view{} : "fewer fields than the header has";
    if (last) return "more fields than the header has";
    ++at;
  }
  return {};
}

std::string cut_json(std::string& line, RowTexts& texts) {
  RowSax sax;
  if (!nlohmann::json::sax_parse(line, &sax)) {
    return sax.fault.empty() ? std::string("not JSON") : sax.fault;
  }
  line.clear();
  for (const std::string& text : sax.texts) line += text;
  std::size_t at = 0;
  for (std::size_t i = 0; i < column_count; ++i) {
    texts[i] = std::string_view(line).substr(at, sax.texts[i].size());
    at += sax.texts[i].size();
  }
  return {};
}

std::string row_values(const RowTexts& texts, const Names& names, RowValues& values) {
  const auto text = [&](Column column) { return texts[static_cast<std::size_t>(column)]; };
  if (std::string why = parse_identities(texts, values); !why.empty()) return why;
  std::string_view account = text(Column::account);
  if (account.empty()) account = text(Column::imsi);
  if (account.empty()) account = text(Column::e164);
  if (account.empty()) return "no account, imsi or e164: nothing names the account";
  if (const auto why =
          checked_identity(rating::IdentityType::account_name, account, values.account);
      !why.empty()) {
    return quoted("account", account, why);
  }
  if (values.account.find(rating::slice_mark) != std::string_view::npos)
    return quoted("account", account, "'#' is kept for the slices of sponsors");
  if (const auto plan = text(Column::plan); !plan.empty()) {
    if (std::string why = parse_plan(plan, names, values); !why.empty()) return why;
  }
  if (values.currency == 0) values.currency = names.currency;
  if (const auto currency = text(Column::currency); !currency.empty()) {
    values.currency = currency_number(currency);
    if (values.currency == 0) return quoted("currency", currency, "no such currency");
  }
  if (const auto wallet = text(Column::wallet); !wallet.empty()) {
    if (const auto why = parse_money(wallet, Sign::any, values.wallet); !why.empty()) {
      return quoted("wallet", wallet, why);
    }
    if (values.currency == 0) return "a wallet without a currency: give a currency or a plan";
    values.has_wallet = true;
  }
  if (const auto limit = text(Column::credit_limit); !limit.empty()) {
    if (const auto why = parse_money(limit, Sign::positive, values.credit_limit); !why.empty()) {
      return quoted("credit_limit", limit, why);
    }
  }
  if (const auto status = text(Column::status); !status.empty()) {
    if (status == "active") values.status = shard::AccountStatus::active;
    else if (status == "suspended") values.status = shard::AccountStatus::suspended;
    else if (status == "barred") values.status = shard::AccountStatus::barred;
    else return quoted("status", status, "active, suspended or barred");
  }
  if (std::string why = parse_products(text(Column::products), names, values); !why.empty())
    return why;
  std::string why = parse_own(text(Column::own_wallet), text(Column::own_buckets), names, values);
  if (!why.empty()) return why;
  return parse_buckets(text(Column::buckets), names, false, values);
}

}  // namespace levy::admin
