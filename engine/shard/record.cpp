// Record: writing what an Outcome did, and reading it back (record.hpp has the drawing).
// Core: shard (writing), recovery and feed (reading). Allocates: never. Blocks: never. Clock: none.
#include "engine/shard/record.hpp"

#include <algorithm>
#include <charconv>

#include "engine/shard/pools.hpp"
#include "rating/facts.hpp"

namespace levy::shard {

namespace {

// Puts parts one behind the other.
class Pen {
 public:
  explicit Pen(std::uint8_t* at) : at_(at) {}
  template <class T>
  void put(const T& part) {
    std::memcpy(at_, &part, sizeof part);
    at_ += sizeof part;
  }
  void put(const void* bytes, std::size_t size) {
    if (size != 0) std::memcpy(at_, bytes, size);
    at_ += size;
  }
  void put_text(std::string_view text) { put(text.data(), text.size()); }
  std::uint8_t* at() const { return at_; }

 private:
  std::uint8_t* at_;
};

std::uint8_t size_of(std::string_view text) {
  return static_cast<std::uint8_t>(text.size());
}

MsccFact fact_of(const rating::MsccOutcome& m, std::uint32_t rating_group, bool has_rating_group,
                 std::uint32_t service_identifier, std::uint8_t service_identifier_count) {
  MsccFact fact;
  fact.rating_group = rating_group;
  fact.has_rating_group = has_rating_group;
  fact.reason = m.reason;
  fact.flags = m.flags;
  fact.unit = m.unit;
  fact.service = m.rated_by.service;
  fact.rate = m.rated_by.rate;
  fact.rate_name = m.rated_by.rate_name;
  fact.plan_version = m.rated_by.plan_version;
  fact.service_identifier = service_identifier;
  fact.tax_permille = m.rated_by.tax_permille;
  fact.service_identifier_count = service_identifier_count;
  fact.used = m.used;
  fact.used_by_buckets = m.used_by_buckets;
  fact.charged = m.charged;
  fact.fee = m.fee;
  fact.unpaid = m.unpaid;
  fact.unrated = m.unrated;
  fact.granted = m.granted;
  return fact;
}

// 5 or 6 digits and how many there are; 0: something else.
std::uint32_t plmn_of(std::string_view digits) {
  std::uint32_t number = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number);
  if ((digits.size() != 5 && digits.size() != 6) || error != std::errc{} || stop != end) return 0;
  return number | static_cast<std::uint32_t>(digits.size()) << 24;
}

ChargeFacts charge_facts(const rating::ChargeRequest& r, std::string_view location,
                         std::string_view called) {
  ChargeFacts c;
  if (r.has_event_timestamp)
    c.event_timestamp = static_cast<std::uint32_t>(r.event_timestamp.seconds());
  c.serving_plmn = plmn_of(r.serving_plmn);
  c.rat_type = r.rat_type;
  if (r.has_termination_cause)
    c.termination_cause = static_cast<std::uint16_t>(std::min(r.termination_cause, 0xffffu));
  if (!r.service_context_id.empty()) c.context = rating::context_of(r.service_context_id);
  if (r.type == rating::RequestType::event && r.has_requested_action)
    c.action = static_cast<std::uint8_t>(static_cast<int>(r.requested_action) + 1);
  c.location_bytes = size_of(location);
  c.called_bytes = size_of(called);
  return c;
}

std::string_view cut(std::string_view text) {
  return text.substr(0, fact_bytes_max);
}

}  // namespace

std::string_view host_of_session_id(std::string_view session_id) {
  return session_id.substr(0, std::min(session_id.find(';'), session_id.size()));
}

// What each bucket that moved is, in the order of its first movement. Returns how many.
std::size_t Shard::bucket_facts(const Outcome& outcome, std::span<BucketFact> into) const {
  std::size_t count = 0;
  for (std::uint32_t i = 0; i < outcome.charge.movement_count; ++i) {
    const Slot slot = outcome.charge.movements[i].bucket;
    const auto same = [slot](const BucketFact& fact) { return fact.bucket == slot; };
    if (std::any_of(into.begin(), into.begin() + count, same)) continue;
    LEVY_CHECK(count < into.size(), count);
    rating::Bucket bucket = buckets_[slot];
    if (!bucket.live()) transaction_.former(PoolId::bucket, slot, bucket);  // it has just ended
    BucketFact& fact = into[count++];
    fact.bucket = slot;
    fact.kind = bucket.kind;
    fact.currency = bucket.currency & 1023u;
    fact.unit = static_cast<std::uint16_t>(bucket.unit) & 3u;
    fact.main_wallet = (bucket.flags & rating::bucket_main_wallet) != 0;
    for (std::uint32_t k = 0; k < outcome.sponsor_count; ++k)
      if (outcome.sponsors[k].bucket == slot) fact.sponsor = outcome.sponsors[k].sponsor;
  }
  return count;
}

// Facts, images, then commit: from here on the outcome stands.
void Shard::write_record(const Facts& facts, Time now, std::span<std::uint8_t> record,
                         Outcome& outcome) {
  if (outcome.account != none && accounts_[outcome.account].first_counter != none)
    note_levels(outcome.account, now, outcome);
  ShardState& state = edit(states_, 0);
  state.sequence += 1;
  state.time_micros = now.micros;

  RecordHeader h;
  h.shard = id_.value;
  h.kind = facts.kind;
  h.sequence = state.sequence;
  h.time_micros = now.micros;
  h.movement_count = static_cast<std::uint16_t>(outcome.charge.movement_count);
  h.operator_kind = facts.operator_kind;
  h.account = outcome.account;
  h.subscriber = outcome.subscriber;
  h.session = outcome.session;
  if (facts.kind != RecordKind::tombstone_gone && freed_count_ != 0) {
    h.given_up = static_cast<std::uint8_t>(freed_count_);
    outcome.tombstones_given_up = freed_count_;
    outcome.events |= event_tombstones_given_up;
  }
  h.events = outcome.events;
  h.reason = outcome.reason;
  h.plan = facts.plan;
  h.plan_version = facts.plan_version;
  std::uint8_t* end = write_facts(facts, outcome, h, record.data());
  while (((end - record.data()) & 7) != 0) *end++ = 0;
  h.images_at = static_cast<std::uint32_t>(end - record.data());
  const std::size_t images = transaction_.write_images(record.subspan(h.images_at));
  LEVY_CHECK(images != 0, record.size(), transaction_.mark());
  h.bytes = static_cast<std::uint32_t>(h.images_at + images);
  std::memcpy(record.data(), &h, sizeof h);
  transaction_.commit();
  settle_tombstones();
  outcome.record_kind = facts.kind;
  outcome.record_bytes = h.bytes;
}

// Session-Id (copied to `id`) and host of a session, which may have left its slot just now.
std::string_view Shard::session_texts(Slot slot, char* id, std::string_view& host) const {
  Session session = sessions_[slot];
  Text tail;
  if (!session.live() && transaction_.former(PoolId::session, slot, session) == nullptr) return {};
  if (session.host != none) host = hosts_[session.host].host();
  const std::size_t head = std::min<std::size_t>(session.id_bytes, session_id_head_bytes);
  std::memcpy(id, session.id_head, head);
  if (head < session.id_bytes) {
    tail = texts_[session.id_tail];
    if (!tail.in_use) transaction_.former(PoolId::text, session.id_tail, tail);
    std::memcpy(id + head, tail.bytes, session.id_bytes - head);
  }
  return {id, session.id_bytes};
}

// Everything between header and images; completes the header's counts. Returns the end.
std::uint8_t* Shard::write_facts(const Facts& facts, const Outcome& outcome, RecordHeader& h,
                                 std::uint8_t* record) const {
  char id[limits::session_id_bytes_max + 1];
  std::string_view session_id, host, account, location, called;
  if (outcome.session != none) session_id = session_texts(outcome.session, id, host);
  if (outcome.account != none) account = accounts_[outcome.account].name_text();
  Pen pen(record + sizeof h);
  if (facts.request != nullptr) {
    const rating::ChargeRequest& r = *facts.request;
    h.mscc_count = static_cast<std::uint8_t>(r.mscc_count + outcome.charge.split_count);
    h.request_number = r.request_number;
    h.request_type = r.type;
    session_id = r.session_id;
    host = r.origin_host;
    location = cut(r.user_location);
    called = cut(r.called_party);
    pen.put(charge_facts(r, location, called));
    for (std::size_t i = 0; i < r.mscc_count; ++i) {
      const rating::MsccRequest& m = r.mscc[i];
      pen.put(fact_of(outcome.charge.mscc[i], m.rating_group, m.has_rating_group,
                      m.service_identifiers[0], m.service_identifier_count));
    }
    for (std::uint32_t i = 0; i < outcome.charge.split_count; ++i) {
      const rating::SplitUsage& split = outcome.charge.splits[i];
      const rating::MsccRequest& m = r.mscc[split.mscc];
      pen.put(fact_of(split.outcome, m.rating_group, m.has_rating_group, m.service_identifiers[0],
                      m.service_identifier_count));
    }
  }
  if (host == host_of_session_id(session_id)) host = {};
  for (std::uint32_t i = 0; i < outcome.lost_count; ++i) {
    const LostUsage& l = outcome.lost[i];
    pen.put(fact_of(l.outcome, l.rating_group, l.has_rating_group, l.service_identifier,
                    l.service_identifier_count));
  }
  pen.put(outcome.charge.movements.data(),
          outcome.charge.movement_count * sizeof(rating::Movement));
  BucketFact buckets[bucket_facts_max];
  const std::size_t bucket_count = bucket_facts(outcome, buckets);
  pen.put(buckets, bucket_count * sizeof(BucketFact));
  pen.put(outcome.products.data(), outcome.product_count * sizeof(ProductFact));
  pen.put(outcome.counters.data(), outcome.counter_count * sizeof(CounterFact));
  for (std::uint32_t i = 0; i < h.given_up; ++i) pen.put(freed_[i].slot);
  for (const std::string_view text : {facts.text, session_id, account, host, location, called})
    pen.put_text(text);
  h.bucket_count = static_cast<std::uint8_t>(bucket_count);
  h.product_count = static_cast<std::uint8_t>(outcome.product_count);
  h.counter_count = static_cast<std::uint8_t>(outcome.counter_count);
  h.lost_count = static_cast<std::uint8_t>(outcome.lost_count);
  h.text_bytes = size_of(facts.text);
  h.session_bytes = size_of(session_id);
  h.account_bytes = size_of(account);
  h.host_bytes = size_of(host);
  return pen.at();
}

namespace {

// Walks the parts of a Record; `good` turns false at the first that does not fit.
struct Reader {
  std::span<const std::uint8_t> left;
  bool good = true;

  template <class T>
  std::span<const T> take(std::size_t count) {
    if (count * sizeof(T) > left.size()) {
      good = false;
      return {};
    }
    const auto* first = reinterpret_cast<const T*>(left.data());
    left = left.subspan(count * sizeof(T));
    return {first, count};
  }
  std::string_view take_text(std::size_t size) {
    const auto bytes = take<char>(size);
    return {bytes.data(), bytes.size()};
  }
};

}  // namespace

bool read_record(std::span<const std::uint8_t> bytes, RecordView& view) {
  if (bytes.size() < sizeof(RecordHeader)) return false;
  view = RecordView{};
  std::memcpy(&view.header, bytes.data(), sizeof(RecordHeader));
  const RecordHeader& h = view.header;
  if (h.version != record_version || h.bytes != bytes.size() || h.images_at > h.bytes ||
      h.images_at < sizeof h)
    return false;
  Reader reader{bytes.subspan(sizeof h, h.images_at - sizeof h)};
  if (h.request_type != rating::RequestType{}) {
    const auto charge = reader.take<ChargeFacts>(1);
    if (!charge.empty()) view.charge = charge.data();
  }
  view.mscc = reader.take<MsccFact>(h.mscc_count);
  view.lost = reader.take<MsccFact>(h.lost_count);
  view.movements = reader.take<rating::Movement>(h.movement_count);
  view.buckets = reader.take<BucketFact>(h.bucket_count);
  view.products = reader.take<ProductFact>(h.product_count);
  view.counters = reader.take<CounterFact>(h.counter_count);
  view.given_up = reader.take<Slot>(h.given_up);
  view.text = reader.take_text(h.text_bytes);
  view.session_id = reader.take_text(h.session_bytes);
  view.account = reader.take_text(h.account_bytes);
  view.host =
      h.host_bytes != 0 ? reader.take_text(h.host_bytes) : host_of_session_id(view.session_id);
  if (view.charge != nullptr) {
    view.location = reader.take_text(view.charge->location_bytes);
    view.called = reader.take_text(view.charge->called_bytes);
  }
  view.images = bytes.subspan(h.images_at);
  return reader.good;
}

}  // namespace levy::shard
