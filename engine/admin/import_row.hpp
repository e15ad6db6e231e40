// One line of an import: its text -> checked values.
// Core: admin threads. Allocates: at most once per row. Blocks: never. Clock: none.
//
// A row holds its own copy of the line; all views point into it, so it may outlive the input.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/admin/request.hpp"

namespace levy::admin {

enum class Column : std::uint8_t {
  account,
  imsi,
  e164,
  sip,
  nai,
  private_id,
  plan,
  currency,
  wallet,
  credit_limit,
  buckets,
  status,
  products,
  own_wallet,
  own_buckets,
};
inline constexpr std::size_t column_count = 15;
inline constexpr std::size_t products_per_line_max = 8;
std::string_view column_name(Column column);
std::optional<Column> column_of(std::string_view name);
using RowTexts = std::array<std::string_view, column_count>;  // empty = absent

// The names that rows use, as they stand when the import begins.
struct Names {
  std::map<std::string, PlanInfo, std::less<>> plans;
  std::map<std::string, BucketKindInfo, std::less<>> kinds;
  std::uint16_t currency = 0;  // for rows that have none and whose plan has none
  std::uint32_t now = 0;       // unix seconds, for dates
  std::string known_addons;    // for faults
  explicit Names(ControlDoor& door);
};

struct RowIdentity {
  rating::IdentityType type{};
  std::string_view text;
};
struct RowBucket {
  const BucketKindInfo* kind = nullptr;  // null: a wallet of the subscriber's own
  std::int64_t amount = 0;
  bool own = false;  // of the line's subscriber, not of its account
};

struct RowProduct {
  const PlanInfo* plan = nullptr;
  std::uint32_t starts_at = 0;  // 0: bought now, where none is held; else it runs since then and
                                // its running period is paid for
};

struct RowValues {
  std::string_view account;
  std::array<RowIdentity, 4> identities{};
  std::uint32_t identity_count = 0;
  std::uint16_t plan = 0, currency = 0;
  std::uint32_t plan_starts_at = 0;  // of the base plan: as RowProduct::starts_at
  bool has_wallet = false;
  std::int64_t wallet = 0, credit_limit = 0;
  std::array<RowBucket, shard::OperatorRequest::buckets_max> buckets{};
  std::uint32_t bucket_count = 0;
  std::array<RowProduct, products_per_line_max> products{};
  std::uint32_t product_count = 0;
  shard::AccountStatus status = shard::AccountStatus::active;
};

// The header line of CSV: which column stands where.
class CsvHeader {
 public:
  // Returns why it is none, or empty.
  std::string read(std::string_view line);
  // Cuts `line` (whole fields in quotes are unquoted in place). Returns why not, or empty.
  std::string_view cut(std::string& line, RowTexts& texts) const;

 private:
  std::vector<Column> columns_;
};

// One JSON object; texts are kept in `line` itself, which is rewritten. Returns why not, or empty.
std::string cut_json(std::string& line, RowTexts& texts);

// Texts -> values. Returns why not, or empty. `values` points into the texts and into `names`.
std::string row_values(const RowTexts& texts, const Names& names, RowValues& values);

}  // namespace levy::admin
