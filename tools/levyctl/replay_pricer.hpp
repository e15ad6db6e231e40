// Recorded use under a catalogue: charge() itself, on an account with money enough, fed with what
// the records say a session reported.
// Core: none. Allocates: yes. Blocks: never. Clock: in the records.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "rating/charge.hpp"
#include "tools/levyctl/plan_files.hpp"
#include "tools/levyctl/record_line.hpp"
#include "tools/levyctl/record_message.hpp"

namespace levyctl {

// What a catalogue knows of one group of an open session.
struct ReplayGroup {
  rating::Group group{};
  std::string refused;  // why the last grant that the records have would not be given
};

struct Repriced {
  bool priced = false;  // false: `why` says what stands against it
  std::string why;
  std::string refused;  // the grant that this use consumed would not have been given
  std::string service, rate, currency;
  std::int64_t charged = 0;  // micros, the fee included
  std::int64_t unrated = 0;  // units
};

class ReplayPricer {
 public:
  // `files` outlives it. `skew`: sessions.event_time_skew_max, seconds.
  ReplayPricer(const PlanFiles& files, std::int64_t skew);

  // One group of a record, in the order of the records. `group` null: of no session (an event, use
  // reported after the end). `more`: the same group is named again by this record.
  Repriced price(const RecordLine& record, const GroupLine& line, ReplayGroup* group, bool more);

 private:
  void add_addon(const GroupLine& line, const rating::PlanSource& base);
  void fund(const rating::Plan& plan, const GroupLine& line);
  void ask(const RecordLine& record, const GroupLine& line, bool alone, bool more);
  void name(Repriced& answer) const;

  const PlanFiles& files_;
  std::int64_t skew_;
  std::map<std::string, std::size_t> by_name_;
  std::vector<const rating::Plan*> by_id_;
  rating::PlanSet set_;
  const rating::PlanSet* sets_[1];
  Message message_;
  rating::Bucket wallet_{}, units_{};
  rating::AccountView account_{};
  std::unique_ptr<rating::ChargeInput> input_;
  std::unique_ptr<rating::ChargeResult> result_;
};

}  // namespace levyctl
