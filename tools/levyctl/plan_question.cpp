// Options to the fields of a ChargeRequest (see plan_question.hpp).
// Core: none. Allocates: yes. Blocks: never. Clock: none.
#include "tools/levyctl/plan_question.hpp"

#include <algorithm>

#include "config/values.hpp"
#include "rating/compile/compile.hpp"
#include "rating/facts.hpp"

namespace levyctl {

namespace {

using levy::rating::Place3gpp;
using levy::rating::PlaceKind;

bool number_of(const std::string& text, std::int64_t low, std::int64_t high, std::int64_t& value) {
  const levy::config::Parsed parsed = levy::config::parse_integer(text);
  value = parsed.number;
  return parsed.ok() && value >= low && value <= high;
}

// Digits alone: "+49 30-1234" -> "49301234"; false: something else stands between them.
bool digits_of(const std::string& text, std::string& digits) {
  digits.clear();
  for (const char c : text) {
    if (c >= '0' && c <= '9')
      digits += c;
    else if (std::string_view("+ -/").find(c) == std::string_view::npos)
      return false;
  }
  return !digits.empty();
}

void put_big(std::string& bytes, std::uint64_t value, int count) {
  for (int i = count; i-- > 0;) bytes += static_cast<char>(value >> 8 * i & 0xff);
}

// 3GPP-User-Location-Info (TS 29.061 16.4.7.2) of one place.
std::string user_location(const Place3gpp& place) {
  int type = 0;
  switch (place.kind) {
    case PlaceKind::cgi:
      type = 0;
      break;
    case PlaceKind::sai:
      type = 1;
      break;
    case PlaceKind::rai:
      type = 2;
      break;
    case PlaceKind::tai:
      type = place.area > 0xffff ? 136 : 128;
      break;
    case PlaceKind::ecgi:
      type = 129;
      break;
    case PlaceKind::ncgi:
      type = 135;
      break;
  }
  std::string bytes;
  put_big(bytes, static_cast<std::uint64_t>(type), 1);
  const bool three = place.mnc_digits == 3;
  const int mnc[3] = {place.mnc / (three ? 100 : 10) % 10, place.mnc / (three ? 10 : 1) % 10,
                      three ? place.mnc % 10 : 15};
  const int mcc[3] = {place.mcc / 100, place.mcc / 10 % 10, place.mcc % 10};
  put_big(bytes, static_cast<std::uint64_t>(mcc[1] << 4 | mcc[0]), 1);
  put_big(bytes, static_cast<std::uint64_t>(mnc[2] << 4 | mcc[2]), 1);
  put_big(bytes, static_cast<std::uint64_t>(mnc[1] << 4 | mnc[0]), 1);
  const bool area = place.kind != PlaceKind::ecgi && place.kind != PlaceKind::ncgi;
  if (area) put_big(bytes, place.area, type == 136 ? 3 : 2);
  if (place.kind == PlaceKind::ecgi) put_big(bytes, place.cell, 4);
  if (place.kind == PlaceKind::ncgi) put_big(bytes, place.cell, 5);
  if (place.kind == PlaceKind::cgi || place.kind == PlaceKind::sai) put_big(bytes, place.cell, 2);
  return bytes;
}

class Filler {
 public:
  explicit Filler(Message& message) : message_(message), request_(message.request) {}

  std::vector<std::string> fill(const PriceOptions& options) {
    request_.mscc_count = 1;
    mscc(options);
    if (!options.apn.empty()) {
      message_.apn = options.apn;
      request_.called_station_id = message_.apn;
    }
    digits(options.called, "--called", message_.called, request_.called_party);
    digits(options.calling, "--calling", message_.calling, request_.calling_party);
    digits(options.plmn, "--plmn", message_.plmn, request_.serving_plmn);
    if (!options.plmn.empty() && message_.plmn.size() != 5 && message_.plmn.size() != 6)
      wrong("--plmn", options.plmn, "MCC and MNC, 5 or 6 digits");
    std::uint64_t value = 0;
    if (!options.rat.empty()) {
      if (levy::rating::parse_rat(options.rat, value))
        request_.rat_type = static_cast<std::uint16_t>(value + 1);
      else
        wrong("--rat", options.rat, "utran, geran, wlan, eutran, nb_iot, lte_m, nr, or 0 to 255");
    }
    if (!options.role.empty()) {
      if (options.role != "originating" && options.role != "terminating")
        wrong("--role", options.role, "originating, terminating");
      request_.role_of_node = options.role == "originating" ? 1 : 2;
    }
    if (!options.characteristics.empty()) {
      message_.characteristics = options.characteristics;
      request_.characteristics = message_.characteristics;
      if (!levy::rating::characteristics_value(options.characteristics, value))
        wrong("--characteristics", options.characteristics, "4 hexadecimal digits");
    }
    location(options.location);
    return std::move(faults_);
  }

 private:
  void wrong(const std::string& option, const std::string& value, const std::string& allowed) {
    faults_.push_back(option + " is '" + value + "'; allowed: " + allowed);
  }

  void mscc(const PriceOptions& options) {
    levy::rating::MsccRequest& mscc = request_.mscc[0];
    std::int64_t number = 0;
    if (!options.rating_group.empty()) {
      if (!number_of(options.rating_group, 0, UINT32_MAX, number))
        wrong("--rating-group", options.rating_group, "0 to 4294967295");
      mscc.has_rating_group = true;
      mscc.rating_group = static_cast<std::uint32_t>(number);
    }
    if (!options.service_identifier.empty()) {
      if (!number_of(options.service_identifier, 0, UINT32_MAX, number))
        wrong("--service-identifier", options.service_identifier, "0 to 4294967295");
      mscc.service_identifier_count = 1;
      mscc.service_identifiers[0] = static_cast<std::uint32_t>(number);
    }
    if (!options.qci.empty()) {
      if (!number_of(options.qci, 1, 255, number)) wrong("--qci", options.qci, "1 to 255");
      mscc.qci = static_cast<std::uint8_t>(number);
    }
  }

  void digits(const std::string& text, const char* option, std::string& to,
              std::string_view& view) {
    if (text.empty()) return;
    if (!digits_of(text, to)) wrong(option, text, "digits");
    view = to;
  }

  void location(const std::string& text) {
    if (text.empty()) return;
    Place3gpp place;
    if (!levy::rating::parse_place(text, place)) {
      wrong("--location", text,
            "'tai MCC-MNC-TAC', 'ecgi MCC-MNC-CELL', 'ncgi MCC-MNC-CELL', 'cgi MCC-MNC-LAC-CI' or "
            "'sai MCC-MNC-LAC-SAC', decimal");
      return;
    }
    message_.location = user_location(place);
    request_.user_location = message_.location;
  }

  Message& message_;
  levy::rating::ChargeRequest& request_;
  std::vector<std::string> faults_;
};

}  // namespace

std::vector<std::string> read_message(const PriceOptions& options, Message& message) {
  return Filler(message).fill(options);
}

bool set_context(const std::string& word, Message& message) {
  static constexpr std::pair<std::string_view, std::string_view> contexts[] = {
      {"data", "32251@3gpp.org"},
      {"voice", "32260@3gpp.org"},
      {"sms", "32274@3gpp.org"},
      {"mms", "32270@3gpp.org"},
      {"other", "other@levy.example"}};
  for (const auto& [name, id] : contexts) {
    if (name != word) continue;
    message.context = id;
    message.request.service_context_id = message.context;
    return true;
  }
  return false;
}

}  // namespace levyctl
