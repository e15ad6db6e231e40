// The request that a record tells of, as far as it tells: what conditions of rates can be asked.
// Core: none. Allocates: yes. Blocks: never. Clock: none.
#pragma once

#include <string>

#include "tools/levyctl/plan_question.hpp"
#include "tools/levyctl/record_line.hpp"

namespace levyctl {

// Who, where and what of the record, with the key of one of its groups in mscc[0].
void fill_message(const RecordLine& record, const GroupKey& key, Message& message);

// When its usage counts as made: Event-Timestamp where it is no later than the arrival and no more
// than `skew` seconds off (sessions.event_time_skew_max), else the arrival; as the Shard does.
levy::Time usage_time(const RecordLine& record, std::int64_t skew);

// Of a condition's attribute ("plmn"): what the message had, in words; empty: nothing. `kept`
// false: records do not keep it, so that nobody can say.
std::string fact_text(const RecordLine& record, const GroupKey& key, const std::string& attribute,
                      bool& kept);

// "utran", "eutran", …, else the number.
std::string rat_text(int rat);
// "tai 262-01-4660 and ecgi 262-01-…"; hexadecimal where it is of another kind.
std::string location_text(const std::string& location);

}  // namespace levyctl
