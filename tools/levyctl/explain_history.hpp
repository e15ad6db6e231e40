// What came before a record in its session: running totals, the grant that its use consumed.
// Core: none. Allocates: yes. Blocks: never. Clock: none.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "tools/levyctl/record_line.hpp"

namespace levyctl {

// Of one group, before a record.
struct GroupHistory {
  bool known = false;  // its beginning is among the records
  std::string unit;
  std::int64_t total = 0;    // units that no unit bucket paid
  std::int64_t charged = 0;  // micros
  bool connected = false;    // something has been used: no connect fee is due any more
  std::shared_ptr<const RecordLine> grant;  // that made the grant whose use comes next
  std::string grant_service;
  bool outstanding = false;
  std::uint32_t grant_number = 0;
};

class SessionHistory {
 public:
  // As it is before `line` of `record`; of an event, or of use reported after the end: a new one.
  GroupHistory before(const RecordLine& record, const GroupLine& line) const;
  // The record is over; in their order.
  void take(const RecordLine& record);

 private:
  struct Session {
    bool known = false;
    std::map<GroupKey, GroupHistory> groups;
  };
  std::map<std::string, Session> open_;
};

// Whether it has no running total: events, and use after the end.
bool stands_alone(const RecordLine& record);

}  // namespace levyctl
