// Facts of records as rating reads them, and in words (see record_message.hpp).
// Core: none. Allocates: yes. Blocks: never. Clock: none.
#include "tools/levyctl/record_message.hpp"

#include <fmt/format.h>

#include "rating/compile/compile.hpp"
#include "rating/facts.hpp"
#include "tools/levyctl/plan_words.hpp"

namespace levyctl {

void fill_message(const RecordLine& record, const GroupKey& key, Message& message) {
  levy::rating::ChargeRequest& request = message.request;
  request = levy::rating::ChargeRequest{};
  message.context.clear();
  if (!record.context.empty()) set_context(record.context, message);
  message.plmn = record.plmn;
  request.serving_plmn = message.plmn;
  message.location = record.location;
  request.user_location = message.location;
  message.called = record.called;
  request.called_party = message.called;
  request.rat_type = static_cast<std::uint16_t>(record.rat + 1);
  request.request_number = record.request_number;
  request.mscc_count = 1;
  levy::rating::MsccRequest& mscc = request.mscc[0];
  mscc.has_rating_group = key.has_rating_group;
  mscc.rating_group = key.rating_group;
  mscc.service_identifier_count = key.service_identifiers == 0 ? 0 : 1;
  mscc.service_identifiers[0] = key.service_identifier;
}

levy::Time usage_time(const RecordLine& record, std::int64_t skew) {
  if (record.event_timestamp == 0) return {record.time};
  const std::int64_t late = record.time / 1'000'000 - record.event_timestamp / 1'000'000;
  return {late > 0 && late <= skew ? record.event_timestamp : record.time};
}

std::string rat_text(int rat) {
  for (const char* name :
       {"utran", "geran", "wlan", "gan", "hspa", "eutran", "virtual", "nb_iot", "lte_m", "nr"}) {
    std::uint64_t value = 0;
    if (levy::rating::parse_rat(name, value) && value == static_cast<std::uint64_t>(rat))
      return name;
  }
  return std::to_string(rat);
}

std::string location_text(const std::string& location) {
  levy::rating::Place3gpp places[2];
  const std::uint32_t count = levy::rating::places_of(location, places);
  std::vector<std::string> texts;
  for (std::uint32_t i = 0; i < count; ++i) {
    const levy::rating::Place3gpp& place = places[i];
    static constexpr const char* kinds[] = {"", "cgi", "sai", "rai", "tai", "ecgi", "ncgi"};
    std::string text = fmt::format("{} {:03}-{:0{}}", kinds[static_cast<int>(place.kind)],
                                   place.mcc, place.mnc, place.mnc_digits);
    if (place.kind < levy::rating::PlaceKind::ecgi) text += fmt::format("-{}", place.area);
    if (place.kind != levy::rating::PlaceKind::tai) text += fmt::format("-{}", place.cell);
    texts.push_back(std::move(text));
  }
  if (!texts.empty()) return joined(texts, " and ");
  std::string hex;
  for (const char c : location) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return hex;
}

std::string fact_text(const RecordLine& record, const GroupKey& key, const std::string& attribute,
                      bool& kept) {
  kept = true;
  if (attribute == "rat") return record.rat < 0 ? std::string() : rat_text(record.rat);
  if (attribute == "plmn") return record.plmn;
  if (attribute == "location") return location_text(record.location);
  if (attribute == "called") return record.called;
  if (attribute == "service_identifier") {
    kept = key.service_identifiers <= 1;
    return key.service_identifiers == 0 ? std::string() : std::to_string(key.service_identifier);
  }
  kept = attribute == "time";
  return {};
}

}  // namespace levyctl
