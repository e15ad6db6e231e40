// The rates of both plan versions and the naive price.
// Core: the simulator's only thread. Allocates: yes. Blocks: never. Clock: none.
#include "tests/sim/tariff.hpp"

namespace levy::sim {

namespace {

RateTable make(std::uint16_t version) {
  const std::int64_t factor = version == 1 ? 1 : 3;
  RateTable table;
  Rate data;
  data.micros = 250'000 * factor;
  data.per = data.step = 1'500'000;
  data.first = 1'500'000;
  data.later = 3'000'000;
  data.validity = 60;
  table[10] = data;
  Rate odd;  // a price that never comes out even
  odd.micros = 10'000'003 * factor;
  odd.per = 7'000'000;
  odd.step = 1000;
  odd.round = Round::half_even;
  odd.first = odd.later = 20'000;
  odd.validity = 45;
  odd.lost = 7'500;
  table[20] = odd;
  Rate voice;
  voice.counts = Counts::seconds;
  voice.micros = 100'000 * factor;
  voice.per = 60;
  voice.step = 6;
  voice.round = Round::half_up;
  voice.first = voice.later = 60;
  voice.lost = lost_reserved;
  table[30] = voice;
  Rate zero;
  zero.free = true;
  zero.grant_max = 5'000'000;
  zero.validity = 90;
  table[40] = zero;
  Rate barred;
  barred.barred = true;
  barred.micros = 7;
  barred.per = 1000;
  barred.step = 10;
  barred.round = Round::down;
  table[60] = barred;
  Rate sms;
  sms.counts = Counts::events;
  sms.micros = 90'000 * factor;
  sms.indivisible = true;
  table[event_rating_group] = sms;
  return table;
}

}  // namespace

const RateTable& rates(std::uint16_t version) {
  static const RateTable first = make(1);
  static const RateTable second = make(2);
  return version == 1 ? first : second;
}

std::int64_t naive_price(const Rate& rate, std::int64_t total) {
  if (rate.free) return 0;
  std::int64_t steps = total / rate.step;
  if (total % rate.step != 0) ++steps;
  __extension__ typedef __int128 Wide;
  const Wide exact = Wide{steps} * rate.step * rate.micros;
  const auto whole = static_cast<std::int64_t>(exact / rate.per);
  const auto over = static_cast<std::int64_t>(exact % rate.per);
  bool more = false;
  switch (rate.round) {
    case Round::up: more = over > 0; break;
    case Round::down: more = false; break;
    case Round::half_up: more = over >= rate.per - over; break;
    case Round::half_even:
      more = over > rate.per - over || (over == rate.per - over && whole % 2 == 1);
      break;
  }
  return whole + (more ? 1 : 0);
}

}  // namespace levy::sim
