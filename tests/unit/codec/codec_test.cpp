// Header, cursor, writer, dictionary, names and print.
// Core: tests. Allocates: freely. Blocks: never. Clock: none.
#include <gtest/gtest.h>

#include "diameter/codec/dictionary.hpp"
#include "diameter/codec/judge.hpp"
#include "diameter/codec/names.hpp"
#include "diameter/codec/print.hpp"
#include "tests/support/messages.hpp"
#include "tests/support/parse.hpp"

namespace levy::codec {
namespace {

using test::Build;

TEST(Header, ReadsWhatItWrites) {
  Header h;
  h.flags = 0xc0;
  h.length = 0x123456;
  h.command = 0xabcdef;
  h.application = 0xfedcba98;
  h.hop_by_hop = 1;
  h.end_to_end = 0xffffffff;
  std::uint8_t bytes[header_bytes];
  write_header(bytes, h);
  const Header r = read_header(bytes);
  EXPECT_EQ(r.version, 1);
  EXPECT_EQ(r.flags, h.flags);
  EXPECT_EQ(r.length, h.length);
  EXPECT_EQ(r.command, h.command);
  EXPECT_EQ(r.application, h.application);
  EXPECT_EQ(r.hop_by_hop, h.hop_by_hop);
  EXPECT_EQ(r.end_to_end, h.end_to_end);
}

// Every length of a single AVP in every size of its enclosure: accepted exactly when RFC 6733 says.
TEST(Cursor, JudgesEveryLength) {
  for (std::size_t size = 0; size <= 24; ++size) {
    for (std::size_t length = 0; length <= 28; ++length) {
      for (const bool vendor : {false, true}) {
        test::Bytes bytes(size);
        if (size > 4) bytes[4] = vendor ? 0xc0 : 0x40;
        if (size > 7) bytes[7] = static_cast<std::uint8_t>(length);
        AvpCursor cursor(bytes);
        Avp one;
        const std::size_t head = vendor ? 12 : 8;
        const bool fits = size >= 8 && length >= head && (length + 3) / 4 * 4 <= size;
        EXPECT_EQ(cursor.next(one), fits) << size << ' ' << length << ' ' << vendor;
        if (fits) {
          EXPECT_EQ(one.data.size(), length - head);
          EXPECT_EQ(one.whole.size(), length);
        } else if (size > 0) {
          EXPECT_EQ(cursor.error().code, ResultCode::invalid_avp_length);
          EXPECT_EQ(cursor.error().offending.size(), size);
        } else {
          EXPECT_FALSE(cursor.error());
        }
      }
    }
  }
}

TEST(Cursor, ReservedBitsAreRefused) {
  for (unsigned bit = 0; bit < 8; ++bit) {
    const test::Bytes bytes{0, 0, 0, 1, static_cast<std::uint8_t>(1u << bit), 0, 0, 12, 0, 0, 0, 0};
    AvpCursor cursor(bytes);
    Avp one;
    EXPECT_EQ(cursor.next(one), bit >= 5);
    EXPECT_EQ(cursor.error().code, bit >= 5 ? ResultCode::none : ResultCode::invalid_avp_bits);
  }
}

TEST(Writer, WritesWhatTheTestBuilderWrites) {
  std::uint8_t room[512];
  Writer w(room);
  w.begin_message();
  w.text(avp::session_id, "abcde");
  w.u32(avp::result_code, 2001);
  w.u64(avp::cc_total_octets, 0x0102030405060708);
  const std::size_t outer = w.begin_group(avp::service_information);
  const std::size_t inner = w.begin_group(avp::ps_information);
  w.bytes(avp::pdp_address, test::Bytes{0, 1, 10, 0, 0, 1});
  w.end_group(inner);
  w.end_group(outer);
  Header h;
  h.flags = 0x40;
  h.command = 272;
  h.application = 4;
  h.hop_by_hop = 1;
  h.end_to_end = 1;
  const std::size_t size = w.finish(h);
  const Build ps = Build().bytes(1227, {0, 1, 10, 0, 0, 1}, test::flag_m, test::v3gpp);
  const test::Bytes expected =
      Build()
          .text(263, "abcde")
          .u32(268, 2001)
          .u64(421, 0x0102030405060708)
          .group(873, Build().group(874, ps, test::flag_m, test::v3gpp), test::flag_m, test::v3gpp)
          .message(272, 4, 0x40);
  EXPECT_EQ(test::Bytes(room, room + size), expected);
}

TEST(Writer, NeverWritesPastItsRoom) {
  for (std::size_t size = 0; size < 64; ++size) {
    test::Bytes room(80, 0xee);
    Writer w(std::span(room.data(), size));
    w.begin_message();
    const std::size_t group = w.begin_group(avp::failed_avp);
    w.text(avp::origin_host, "abcdef");
    w.copy(test::Bytes{0, 0, 0, 1, 0, 0, 0, 9, 7});
    w.end_group(group);
    const std::size_t whole = 20 + 8 + 16 + 12;
    EXPECT_EQ(w.finish(Header{}), size >= whole ? whole : 0u);
    EXPECT_EQ(w.overflowed(), size < whole);
    for (std::size_t i = size; i < room.size(); ++i) EXPECT_EQ(room[i], 0xee);
  }
}

TEST(Dictionary, FindsEveryEntryAndNothingBetween) {
  std::size_t found = 0;
  for (const std::uint32_t vendor : {0u, 10415u}) {
    for (std::uint32_t code = 0; code < 70'000; ++code) {
      const DictionaryEntry* entry = find_entry(code, vendor);
      EXPECT_EQ(entry != nullptr, traits_of(code, vendor) != AvpType::unknown);
      if (entry == nullptr) continue;
      ++found;
      EXPECT_EQ(entry->code, code);
      EXPECT_EQ(entry->vendor, vendor);
      EXPECT_EQ(entry->type, traits_of(code, vendor));
      EXPECT_NE(entry->name[0], '\0');
    }
  }
  EXPECT_EQ(found, dictionary_entries(0).size() + dictionary_entries(vendor_3gpp).size());
  for (const DictionaryEntry& entry : dictionary_entries(13019)) {
    EXPECT_EQ(find_entry(entry.code, entry.vendor), &entry);
    EXPECT_EQ(traits_of(entry.code, entry.vendor), entry.type);
  }
  EXPECT_EQ(traits_of(263, 9), AvpType::unknown);
  EXPECT_EQ(find_entry(263, 9), nullptr);
}

TEST(Dictionary, TypesOfWhatTheDecodersRead) {
  struct Row {
    AvpDef def;
    AvpType type;
  };
  for (const Row& row : {Row{avp::session_id, AvpType::utf8},
                         Row{avp::cc_request_type, AvpType::enumerated},
                         Row{avp::cc_request_number, AvpType::u32},
                         Row{avp::cc_total_octets, AvpType::u64},
                         Row{avp::value_digits, AvpType::i64},
                         Row{avp::exponent, AvpType::i32},
                         Row{avp::multiple_services_credit_control, AvpType::grouped},
                         Row{avp::host_ip_address, AvpType::address},
                         Row{avp::event_timestamp, AvpType::time},
                         Row{avp::origin_host, AvpType::identity},
                         Row{avp::ps_information, AvpType::grouped},
                         Row{avp::reporting_reason, AvpType::enumerated}}) {
    EXPECT_EQ(traits_of(row.def.code, row.def.vendor), row.type) << row.def.code;
  }
}

// Flags of everything Levy may write agree with the dictionary: RFC 4006 clients check the M bit.
TEST(Dictionary, NamesAgreeWithIt) {
  for (const AvpDef def :
       {avp::user_name, avp::called_station_id, avp::host_ip_address, avp::auth_application_id,
        avp::vendor_specific_application_id, avp::session_id, avp::origin_host,
        avp::supported_vendor_id, avp::vendor_id, avp::firmware_revision, avp::result_code,
        avp::product_name, avp::disconnect_cause, avp::origin_state_id, avp::failed_avp,
        avp::error_message, avp::route_record, avp::destination_realm, avp::proxy_info,
        avp::re_auth_request_type, avp::destination_host, avp::origin_realm,
        avp::experimental_result, avp::experimental_result_code, avp::inband_security_id,
        avp::cc_money, avp::cc_request_number, avp::cc_request_type,
        avp::cc_service_specific_units, avp::cc_time, avp::cc_total_octets,
        avp::check_balance_result, avp::cost_information, avp::currency_code, avp::exponent,
        avp::final_unit_indication, avp::granted_service_unit, avp::rating_group,
        avp::redirect_address_type, avp::redirect_server, avp::redirect_server_address,
        avp::service_identifier, avp::unit_value, avp::value_digits, avp::validity_time,
        avp::final_unit_action, avp::multiple_services_credit_control,
        avp::time_quota_threshold, avp::volume_quota_threshold, avp::quota_holding_time,
        avp::unit_quota_threshold}) {
    const DictionaryEntry* entry = find_entry(def.code, def.vendor);
    ASSERT_NE(entry, nullptr) << def.code;
    EXPECT_EQ((def.flags & avp_mandatory) != 0, entry->mandatory) << entry->name;
  }
}

TEST(Dictionary, EnumeratedNames) {
  EXPECT_EQ(enumerated_name(416, 0, 1), "INITIAL_REQUEST");
  EXPECT_EQ(enumerated_name(268, 0, 5031), "DIAMETER_RATING_FAILED");
  EXPECT_EQ(enumerated_name(872, vendor_3gpp, 3), "QUOTA_EXHAUSTED");
  EXPECT_EQ(enumerated_name(416, 0, 99), "");
  EXPECT_EQ(command_name(272), "Credit-Control");
  EXPECT_EQ(command_name(1), "");
}

TEST(Print, NestedWithNamesAndValues) {
  const test::Bytes message =
      test::Ccr::initial("gw;1;1").imsi("00101").mscc(test::Mscc(10).rsu(5)).bytes();
  const std::string text = print_message(message);
  EXPECT_NE(text.find("Credit-Control-Request 272 application 4 P hop-by-hop 0x11111111"),
            std::string::npos) << text;
  EXPECT_NE(text.find("  Session-Id 263 M = \"gw;1;1\"\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  CC-Request-Type 416 M = 1 INITIAL_REQUEST\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  Multiple-Services-Credit-Control 456 M\n    Requested-Service-Unit 437 M\n"
                      "      CC-Total-Octets 421 M = 5\n    Rating-Group 432 M = 10\n"),
            std::string::npos) << text;
}

TEST(Print, ShowsFaultsAndUnknownAvps) {
  const test::Bytes message = Build()
                                  .text(99999, "ab", 0, 77)
                                  .text(263, "a\nb")
                                  .raw({0, 0, 0, 1, 0, 0, 0, 99})
                                  .message(5, 1, 0x30);
  const std::string text = print_message(message);
  EXPECT_NE(text.find("Unknown-Answer 5 application 1 E T"), std::string::npos) << text;
  EXPECT_NE(text.find("  Unknown 99999/77 = 0x6162\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  Session-Id 263 M = 0x610a62\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  fault 5014 DIAMETER_INVALID_AVP_LENGTH at 0x0000000100000063\n"),
            std::string::npos) << text;
  EXPECT_NE(print_message(test::Bytes(3)).find("fault 5015"), std::string::npos);
}

}  // namespace
}  // namespace levy::codec
