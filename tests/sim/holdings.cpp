// Auditor: products, from the facts of the Records: what each event costs, when it was due, and
// what is left of the allowances by the hour. Core: the simulator's only thread. Allocates: yes.
// Blocks: never. Clock: none.
#include <algorithm>

#include "tests/sim/auditor.hpp"

namespace levy::sim {

using shard::ProductEvent;

void Auditor::on_product(Book& book, const shard::ProductFact& fact) {
  const std::string name = "product " + std::to_string(fact.number);
  const std::int64_t by_hour = fact.plan == addon_plan ? addon_hour_fee : paid_hour_fee;
  const std::int64_t at_start = fact.plan == addon_plan ? addon_start_fee : 0;
  const auto found = book.holdings.find(fact.number);
  const bool begins = fact.event == ProductEvent::started || fact.event == ProductEvent::bought;
  require((found == book.holdings.end()) == begins,
          name + ": begins twice, or goes on without a beginning");
  std::int64_t fee = 0;
  switch (fact.event) {
    case ProductEvent::bought:
      break;  // since some hours: it is started by the same Record
    case ProductEvent::started:
      book.holdings[fact.number] = {fact.plan, fact.at, 1};
      fee = at_start + by_hour;
      break;
    case ProductEvent::renewed: {
      Holding& holding = found->second;
      holding.periods += fact.periods;
      require(fact.at + hour == holding.next(), name + ": renewed at another time than it was due");
      fee = by_hour * fact.periods;
      break;
    }
    case ProductEvent::ended:
      book.holdings.erase(found);
      break;
    default:
      throw Violation(name + ": an event that its plan cannot have");
  }
  require(fact.fee == fee, name + ": the fee is " + std::to_string(fact.fee) +
                               ", the naive ledger says " + std::to_string(fee));
  book.wallet.spent += fee;
}

// What is due is settled before a charge; nothing is settled before it is due.
void Auditor::on_products(const shard::RecordView& record) {
  const shard::RecordHeader& h = record.header;
  if (record.products.empty() && h.kind != shard::RecordKind::charge) return;
  Book& book = book_at(h);
  const std::int64_t now = h.time_micros / 1'000'000;
  for (const shard::ProductFact& fact : record.products) {
    require(fact.at <= now, "a product was settled before it was due");
    on_product(book, fact);
    ++seen_["product event " + std::to_string(static_cast<int>(fact.event))];
    if (fact.periods > 1) ++seen_["several periods at once"];
  }
  if (h.kind != shard::RecordKind::charge) return;
  for (const auto& [number, holding] : book.holdings)
    require(holding.next() > now, "charged before what was due of a product");
}

// Free of the allowance after so many periods: its own, and what was carried, youngest first.
static std::int64_t allowance_left(std::uint32_t periods) {
  std::int64_t carried[carried_periods + 1] = {allowance};
  for (std::uint32_t i = 1; i < periods && i < 8; ++i) {
    std::int64_t room = carried_max;
    for (int age = 0; age < carried_periods; ++age) {
      carried[age] = std::min(carried[age], room);
      room -= carried[age];
    }
    for (int age = carried_periods; age > 0; --age) carried[age] = carried[age - 1];
    carried[0] = allowance;
  }
  std::int64_t sum = 0;
  for (const std::int64_t part : carried) sum += part;
  return sum;
}

void Auditor::check_products(const std::string& name, const Book& book,
                             const std::map<std::uint16_t, shard::Product>& products,
                             const std::vector<rating::Bucket>& allowances) const {
  require(products.size() == book.holdings.size(), name + ": other products than in the ledger");
  for (const auto& [number, holding] : book.holdings) {
    const std::string which = name + ", product " + std::to_string(number);
    const auto found = products.find(number);
    require(found != products.end() && found->second.plan == holding.plan, which + ": not held");
    require(found->second.due[0].at == holding.next(), which + ": another due date");
    std::int64_t free = 0;
    for (const rating::Bucket& b : allowances)
      if (b.product == number) free += b.free();
    require(holding.plan != addon_plan || free == allowance_left(holding.periods),
            which + ": " + std::to_string(free) + " of its allowance is left, the ledger says " +
                std::to_string(allowance_left(holding.periods)));
  }
}

}  // namespace levy::sim
