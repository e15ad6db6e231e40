// Facts: contexts, APNs, places and zones as keys.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
#include "rating/facts.hpp"

#include "engine/base/hash.hpp"

namespace levy::rating {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool digits_at(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return false;
  for (std::size_t i = at; i < at + count; ++i)
    if (text[i] < '0' || text[i] > '9') return false;
  return true;
}

bool word_at(std::string_view text, std::size_t at, std::string_view word) {
  if (at + word.size() > text.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i)
    if (lower(text[at + i]) != word[i]) return false;
  return true;
}

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

std::uint32_t be(std::string_view bytes, std::size_t at, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value << 8 | byte_at(bytes, at + i);
  return value;
}

// MCC and MNC as three bytes of BCD (TS 24.008 10.5.1.3).
void read_plmn(std::string_view bytes, std::size_t at, Place3gpp& place) {
  const unsigned a = byte_at(bytes, at), b = byte_at(bytes, at + 1), c = byte_at(bytes, at + 2);
  place.mcc = static_cast<std::uint16_t>((a & 15) * 100 + (a >> 4) * 10 + (b & 15));
  const unsigned third = b >> 4;
  place.mnc_digits = third == 15 ? 2 : 3;
  place.mnc = static_cast<std::uint16_t>(third == 15 ? (c & 15) * 10 + (c >> 4)
                                                     : (c & 15) * 100 + (c >> 4) * 10 + third);
}

}  // namespace

std::uint8_t context_of(std::string_view id) {
  const std::string_view before = id.substr(0, id.find('@'));
  if (before.ends_with("32251")) return context_data;
  if (before.ends_with("32260") || before.ends_with("32276")) return context_voice;
  if (before.ends_with("32274")) return context_sms;
  if (before.ends_with("32270")) return context_mms;
  return context_other;
}

std::string_view apn_network(std::string_view apn) {
  constexpr std::size_t suffix = 19;  // ".mnc001.mcc001.gprs"
  if (apn.size() <= suffix) return apn;
  const std::size_t at = apn.size() - suffix;
  const bool operators = word_at(apn, at, ".mnc") && digits_at(apn, at + 4, 3) &&
                         word_at(apn, at + 7, ".mcc") && digits_at(apn, at + 11, 3) &&
                         word_at(apn, at + 14, ".gprs");
  return operators ? apn.substr(0, at) : apn;
}

// FNV-1a: APNs are a handful of bytes, and the key must be the same in every process.
std::uint32_t segment_key(std::string_view name) {
  return static_cast<std::uint32_t>(stable_hash(name)) | 1u;
}

std::uint64_t number_key(std::string_view digits) {
  if (digits.empty() || digits.size() > PrefixTable::digits_max) return 0;
  std::uint64_t number = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return 0;
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return PrefixTable::prefix_key(number, static_cast<std::uint32_t>(digits.size()));
}

std::size_t number_digits(std::uint64_t key, char* into) {
  const std::size_t size = key >> 56;
  std::uint64_t number = key & ((std::uint64_t{1} << 56) - 1);
  for (std::size_t i = size; i-- > 0; number /= 10) into[i] = static_cast<char>('0' + number % 10);
  return size;
}

std::uint64_t apn_key(std::string_view apn) {
  std::uint64_t h = 0xcbf29ce484222325ull;
  for (const char c : apn_network(apn)) {
    h ^= static_cast<std::uint8_t>(lower(c));
    h *= 0x100000001b3ull;
  }
  return h;
}

bool characteristics_value(std::string_view text, std::uint64_t& value) {
  value = 0;
  if (text.size() != 4) return false;
  for (const char raw : text) {
    const char c = lower(raw);
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return false;
    value = value << 4 | static_cast<std::uint64_t>(digit);
  }
  return true;
}

std::uint64_t location_key(const Place3gpp& place) {
  std::uint64_t h = static_cast<std::uint64_t>(place.kind) << 32 | std::uint64_t{place.mcc} << 12 |
                    std::uint64_t{place.mnc_digits} << 28 | place.mnc;
  for (const std::uint64_t word : {std::uint64_t{place.area}, place.cell}) {
    h = (h ^ word) * 0x9e3779b97f4a7c15ull;
    h ^= h >> 31;
  }
  return h | 1;
}

std::uint32_t places_of(std::string_view uli, Place3gpp (&places)[2]) {
  if (uli.size() < 4) return 0;
  const unsigned type = byte_at(uli, 0);
  std::uint32_t count = 0;
  // `bytes` of identity after the PLMN at `at`: area, then cell.
  const auto take = [&](PlaceKind kind, std::size_t at, std::size_t area, std::size_t cell,
                        std::uint64_t mask) {
    if (uli.size() < at + 3 + area + cell) return;
    Place3gpp& place = places[count++];
    place = Place3gpp{};
    place.kind = kind;
    read_plmn(uli, at, place);
    place.area = be(uli, at + 3, area);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < cell; ++i) value = value << 8 | byte_at(uli, at + 3 + area + i);
    place.cell = value & mask;
  };
  constexpr std::uint64_t all = ~std::uint64_t{0};
  switch (type) {
    case 0:
      take(PlaceKind::cgi, 1, 2, 2, all);
      break;
    case 1:
      take(PlaceKind::sai, 1, 2, 2, all);
      break;
    case 2:
      take(PlaceKind::rai, 1, 2, 1, all);
      break;
    case 128:
      take(PlaceKind::tai, 1, 2, 0, all);
      break;
    case 129:
      take(PlaceKind::ecgi, 1, 0, 4, 0x0fffffff);
      break;
    case 130:  // TAI, then ECGI
      take(PlaceKind::ecgi, 6, 0, 4, 0x0fffffff);
      take(PlaceKind::tai, 1, 2, 0, all);
      break;
    case 135:
      take(PlaceKind::ncgi, 1, 0, 5, 0xfffffffffull);
      break;
    case 136:
      take(PlaceKind::tai, 1, 3, 0, all);
      break;  // 5GS TAI: a TAC of 3 bytes
    case 137:
      take(PlaceKind::ncgi, 7, 0, 5, 0xfffffffffull);
      take(PlaceKind::tai, 1, 3, 0, all);
      break;
    default:
      break;
  }
  return count;
}

std::uint32_t location_zone(const Zones& zones, std::string_view user_location) {
  Place3gpp places[2];
  const std::uint32_t count = places_of(user_location, places);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t zone = zones.places.find_key(location_key(places[i]));
    if (zone != PrefixTable::no_zone) return zone;
  }
  return PrefixTable::no_zone;
}

std::uint32_t PrefixTable::find_key(std::uint64_t key) const {
  if (entries == nullptr) return no_zone;
  for (std::uint64_t at = place_of(key) & mask; entries[at].key != 0; at = (at + 1) & mask)
    if (entries[at].key == key) return entries[at].zone;
  return no_zone;
}

// Never by prefix: 405-03 and 405-034 are two networks.
std::uint32_t PrefixTable::find_network(std::string_view plmn) const {
  for (const std::size_t length : {plmn.size(), std::size_t{3}}) {
    if (length == 0 || length > plmn.size() || length > digits_max) continue;
    std::uint64_t digits = 0;
    for (const char c : plmn.substr(0, length)) {
      if (c < '0' || c > '9') return no_zone;
      digits = digits * 10 + static_cast<std::uint64_t>(c - '0');
    }
    const std::uint32_t zone = find_key(prefix_key(digits, static_cast<std::uint32_t>(length)));
    if (zone != no_zone) return zone;
  }
  return no_zone;
}

std::uint32_t PrefixTable::find_number(std::string_view number) const {
  std::uint64_t digits[digits_max + 1];
  std::uint32_t length = 0;
  digits[0] = 0;
  while (length < number.size() && length < length_max) {
    const char c = number[length];
    if (c < '0' || c > '9') break;
    digits[length + 1] = digits[length] * 10 + static_cast<std::uint64_t>(c - '0');
    ++length;
  }
  for (; length > 0; --length) {
    const std::uint32_t zone = find_key(prefix_key(digits[length], length));
    if (zone != no_zone) return zone;
  }
  return no_zone;
}

}  // namespace levy::rating
