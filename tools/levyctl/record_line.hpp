// One charging record as read from a line of the feed's JSON (engine/feed/README.md).
// Core: none. Allocates: yes. Blocks: never. Clock: none.
//
// Money is in micros. What a line leaves out is empty, 0 or false here.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

namespace levyctl {

// Which group of a session: records keep the first Service-Identifier and how many there were.
struct GroupKey {
  bool has_rating_group = false;
  std::uint32_t rating_group = 0;
  std::uint32_t service_identifier = 0;
  std::uint32_t service_identifiers = 0;
  friend bool operator<(const GroupKey& a, const GroupKey& b) {
    return std::tie(a.has_rating_group, a.rating_group, a.service_identifiers,
                    a.service_identifier) < std::tie(b.has_rating_group, b.rating_group,
                                                     b.service_identifiers, b.service_identifier);
  }
  friend bool operator==(const GroupKey& a, const GroupKey& b) { return !(a < b) && !(b < a); }
};

struct GroupLine {
  GroupKey key;
  std::string service, rate_name, unit, reason;
  std::uint32_t rate = 0;
  std::uint32_t rated_version = 0;
  std::uint32_t tax_permille = 0;
  std::int64_t used = 0, used_by_buckets = 0, unrated = 0, granted = 0;
  std::int64_t charged = 0, fee = 0, tax = 0, unpaid = 0;
  bool final = false;
  bool after_tariff_change = false;  // a further row of a group: it grants nothing
};

struct ProductLine {
  std::string product, event, every, due;
  std::int64_t number = 0, periods = 0;
  std::int64_t fee = 0, tax = 0, unpaid_fee = 0;
  std::uint32_t tax_permille = 0;
};

struct MovementLine {
  std::string kind, bucket_kind, unit, currency;
  std::int64_t bucket = 0;
  std::int64_t amount = 0;  // micros or units
  int mscc = -1;            // -1: of no group
};

struct RecordLine {
  std::string id, kind, account, subscriber, imsi, msisdn, session_id, host;
  std::string request_type, requested_action, context, plmn, called;
  std::string location;  // raw bytes
  std::string change, who, why, plan, reason, closing;
  std::uint64_t lsn = 0;
  std::int64_t time = 0;             // micros, UTC
  std::int64_t event_timestamp = 0;  // micros, 0 = none
  std::uint32_t request_number = 0;
  std::uint32_t plan_version = 0;
  std::uint32_t termination_cause = 0;
  int rat = -1;  // -1 = none
  std::vector<GroupLine> mscc, lost;
  std::vector<ProductLine> products;
  std::vector<MovementLine> movements;
};

// Empty, or why the line is no record.
std::string read_record(const std::string& line, RecordLine& record);

// "2026-12-24T17:30:15.000000Z" to micros; false: no such time.
bool read_utc(const std::string& text, std::int64_t& micros);

}  // namespace levyctl
