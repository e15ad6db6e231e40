// compile_zones: open-addressed tables, at most half full; a key may stand in one zone only.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
#include "rating/compile/zones.hpp"

#include <bit>
#include <charconv>

#include "rating/facts.hpp"

namespace levy::rating {
namespace {

class TableBuilder {
 public:
  TableBuilder(std::size_t count, std::vector<PrefixTable::Entry>& entries, PrefixTable& table)
      : entries_(entries), table_(table) {
    if (count == 0) return;
    entries_.resize(std::bit_ceil(count * 2));
    table_.mask = static_cast<std::uint32_t>(entries_.size() - 1);
    table_.entries = entries_.data();
  }

  // The zone that has the key already, or no_zone and it is `zone`'s from here on.
  std::uint32_t add(std::uint64_t key, std::uint32_t zone) {
    std::uint64_t at = PrefixTable::place_of(key) & table_.mask;
    for (; entries_[at].key != 0; at = (at + 1) & table_.mask)
      if (entries_[at].key == key) return entries_[at].zone;
    entries_[at] = {key, zone, 0};
    return PrefixTable::no_zone;
  }

 private:
  std::vector<PrefixTable::Entry>& entries_;
  PrefixTable& table_;
};

bool read_digits(std::string_view text, std::uint64_t& value) {
  if (text.empty() || text.size() > PrefixTable::digits_max) return false;
  value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return true;
}

// "tai 262-01-1234": kind, MCC, MNC, then area and cell as the kind has them.
bool read_place(std::string_view text, Place3gpp& place) {
  struct Form {
    std::string_view word;
    PlaceKind kind;
    bool area, cell;
  };
  static constexpr Form forms[] = {
      {"cgi ", PlaceKind::cgi, true, true},    {"sai ", PlaceKind::sai, true, true},
      {"tai ", PlaceKind::tai, true, false},   {"ecgi ", PlaceKind::ecgi, false, true},
      {"ncgi ", PlaceKind::ncgi, false, true},
  };
  for (const Form& form : forms) {
    if (!text.starts_with(form.word)) continue;
    text.remove_prefix(form.word.size());
    place.kind = form.kind;
    std::uint64_t numbers[4] = {};
    std::size_t sizes[4] = {};
    const std::size_t count = 2u + form.area + form.cell;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t end = i + 1 == count ? text.size() : text.find('-');
      if (end == std::string_view::npos || !read_digits(text.substr(0, end), numbers[i]))
        return false;
      sizes[i] = end;
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (sizes[0] != 3 || sizes[1] < 2 || sizes[1] > 3) return false;
    place.mcc = static_cast<std::uint16_t>(numbers[0]);
    place.mnc = static_cast<std::uint16_t>(numbers[1]);
    place.mnc_digits = static_cast<std::uint8_t>(sizes[1]);
    if (form.area && numbers[2] > 0xffffff) return false;
    if (form.area) place.area = static_cast<std::uint32_t>(numbers[2]);
    if (form.cell) place.cell = numbers[2 + (form.area ? 1 : 0)];
    return true;
  }
  return false;
}

class ZoneCompiler {
 public:
  ZoneCompiler(const Catalogue& catalogue, Checks& checks, CompiledZones& zones)
      : catalogue_(catalogue),
        checks_(checks),
        zones_(zones),
        plmns_(count(&ZoneSource::plmns), zones.own_plmns, zones.plmns),
        numbers_(count(&ZoneSource::numbers), zones.own_numbers, zones.numbers),
        places_(count(&ZoneSource::places), zones.own_places, zones.places) {}

  void compile(std::uint32_t index) {
    const ZoneSource& zone = catalogue_.zones[index];
    for (const Placed<std::string>& plmn : zone.plmns) {
      std::uint64_t digits = 0;
      const std::size_t size = plmn.value.size();
      if (!read_digits(plmn.value, digits) || (size != 3 && size != 5 && size != 6))
        checks_.fault(plmn.place, "plmn is '" + plmn.value +
                                      "'; allowed: an MCC of 3 digits, or MCC and MNC (26201)");
      else
        add(plmns_, zones_.plmns, plmn, "plmn", digits, index);
    }
    for (const Placed<std::string>& number : zone.numbers) {
      std::uint64_t digits = 0;
      if (!read_digits(number.value, digits))
        checks_.fault(number.place, "number is '" + number.value +
                                        "'; allowed: a prefix of 1 to 15 digits without '+'");
      else
        add(numbers_, zones_.numbers, number, "number", digits, index);
    }
    for (const Placed<std::string>& place : zone.places) {
      Place3gpp parsed;
      if (!read_place(place.value, parsed))
        checks_.fault(place.place, "place is '" + place.value +
                                       "'; allowed: 'tai MCC-MNC-TAC', 'ecgi MCC-MNC-CELL', 'ncgi "
                                       "MCC-MNC-CELL', 'cgi MCC-MNC-LAC-CI' or 'sai "
                                       "MCC-MNC-LAC-SAC', decimal");
      else
        taken(places_.add(location_key(parsed), index), place, "place");
    }
  }

 private:
  std::size_t count(std::vector<Placed<std::string>> ZoneSource::*list) const {
    std::size_t sum = 0;
    for (const ZoneSource& zone : catalogue_.zones) sum += (zone.*list).size();
    return sum;
  }

  void add(TableBuilder& builder, PrefixTable& table, const Placed<std::string>& text,
           const char* what, std::uint64_t digits, std::uint32_t zone) {
    const auto length = static_cast<std::uint32_t>(text.value.size());
    table.length_max = std::max(table.length_max, length);
    taken(builder.add(PrefixTable::prefix_key(digits, length), zone), text, what);
  }

  void taken(std::uint32_t by, const Placed<std::string>& text, const char* what) {
    if (by == PrefixTable::no_zone) return;
    checks_.fault(text.place, std::string(what) + " '" + text.value + "' stands already in zone '" +
                                  catalogue_.zones[by].name.value + "'; keep it in one");
  }

  const Catalogue& catalogue_;
  Checks& checks_;
  CompiledZones& zones_;
  TableBuilder plmns_, numbers_, places_;
};

}  // namespace

std::unique_ptr<CompiledZones> compile_zones(const Catalogue& catalogue, Checks& checks) {
  if (catalogue.zones.empty()) return nullptr;
  auto zones = std::make_unique<CompiledZones>();
  ZoneCompiler compiler(catalogue, checks, *zones);
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < catalogue.zones.size(); ++i) {
    checks.name(catalogue.zones[i].name, catalogue.zones[i].name.place, "zone", names);
    compiler.compile(i);
  }
  return zones;
}

}  // namespace levy::rating
