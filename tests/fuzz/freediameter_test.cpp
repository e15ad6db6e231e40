// The codec against freeDiameter's parser (libfdproto): golden frames, requests, and mutations of
// them are taken or refused by both, and what both take has the same AVPs with the same bytes.
// Core: tests. Allocates: freely. Blocks: on the golden files. Clock: none.
//
// Both get one dictionary: Levy's, with every type but Grouped as octets, for the structure is what
// is judged. The differences that are allowed are Stated below; README.md says why. Bytes are cut
// at the header's length, as the edge does it. LEVY_FUZZ_SEED and _ROUNDS as in gy_fuzz_test.
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdproto.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "diameter/app/gy.hpp"
#include "diameter/codec/judge.hpp"
#include "tests/fuzz/mutations.hpp"

namespace levy {
namespace {

using codec::Avp;
using codec::ResultCode;
using test::Bytes;

// Why the two may differ: Levy refuses what freeDiameter takes; vendor_zero: they know other AVPs.
enum class Stated {
  nothing,
  padding_missing,
  reserved_avp_bits,
  too_many_avps,
  too_deep,
  vendor_zero,
};

// One AVP as text; the values of unknown AVPs are not compared: freeDiameter does not show them.
std::string line_of(int depth, std::uint32_t code, std::uint32_t vendor, unsigned flags,
                    std::size_t length, std::string_view value) {
  std::string line = std::to_string(depth) + ": " + std::to_string(code) + '/' +
                     std::to_string(vendor) + " flags " + std::to_string(flags) + " length " +
                     std::to_string(length) + ' ';
  for (const char c : value) {
    constexpr const char* digits = "0123456789abcdef";
    line += digits[static_cast<unsigned char>(c) >> 4];
    line += digits[static_cast<unsigned char>(c) & 15];
  }
  return line + '\n';
}

// ---- Levy's side -------------------------------------------------------------------------------

struct Verdict {
  bool taken = false;
  ResultCode code = ResultCode::none;
  Stated stated = Stated::nothing;
  std::string tree{};
};

void write_tree(codec::Bytes bytes, int depth, Verdict& out) {
  codec::AvpCursor cursor(bytes);
  Avp one;
  while (cursor.next(one)) {
    if ((one.flags & codec::avp_vendor) != 0 && one.vendor == 0) out.stated = Stated::vendor_zero;
    const codec::AvpType type = codec::traits_of(one.code, one.vendor);
    const bool has_value = type != codec::AvpType::unknown && type != codec::AvpType::grouped;
    out.tree += line_of(depth, one.code, one.vendor, one.flags, one.whole.size(),
                        has_value ? one.text() : std::string_view{});
    if (type == codec::AvpType::grouped) write_tree(one.data, depth + 1, out);
  }
}

Stated stated_of(const codec::CodecError& error) {
  switch (error.code) {
    case ResultCode::invalid_avp_bits: return Stated::reserved_avp_bits;
    case ResultCode::avp_occurs_too_many_times: return Stated::too_many_avps;
    case ResultCode::invalid_avp_value: return Stated::too_deep;
    case ResultCode::invalid_avp_length: break;
    default: return Stated::nothing;
  }
  // The AVP itself lies inside; what is cut is its padding.
  const codec::Bytes left = error.offending;
  if (left.size() < 8) return Stated::nothing;
  const std::size_t head = (left[4] & codec::avp_vendor) != 0 ? 12 : 8;
  const std::size_t length = codec::load24(left.data() + 5);
  const bool inside = length >= head && length <= left.size();
  return inside && left.size() < (length + 3) / 4 * 4 ? Stated::padding_missing : Stated::nothing;
}

Verdict judge_by_levy(const Bytes& message) {
  const codec::Bytes body = codec::Bytes(message).subspan(codec::header_bytes);
  codec::Judge judge(false);
  Verdict verdict;
  verdict.taken = judge.walk(body, [&](const Avp& one) { return judge.unread(one, 0); });
  write_tree(body, 0, verdict);
  if (verdict.taken) return verdict;
  verdict.code = judge.error().code;
  verdict.tree.clear();  // of what is refused there is none
  if (verdict.stated == Stated::nothing) verdict.stated = stated_of(judge.error());
  return verdict;
}

// ---- freeDiameter's side -----------------------------------------------------------------------

dictionary* make_dictionary() {
  fd_g_debug_lvl = FD_LOG_FATAL;  // it writes a line for each fault that it finds
  dictionary* made = nullptr;
  EXPECT_EQ(fd_libproto_init(), 0);
  EXPECT_EQ(fd_dict_init(&made), 0);
  std::set<std::uint32_t> vendors;
  for (const std::uint32_t of : {0u, codec::vendor_3gpp, 1u}) {  // 1: every other vendor
    for (const codec::DictionaryEntry& entry : codec::dictionary_entries(of)) {
      if (entry.vendor != 0 && vendors.insert(entry.vendor).second) {
        std::string name = "vendor " + std::to_string(entry.vendor);
        dict_vendor_data vendor{entry.vendor, name.data()};
        EXPECT_EQ(fd_dict_new(made, DICT_VENDOR, &vendor, nullptr, nullptr), 0) << name;
      }
      std::string name = std::to_string(entry.code) + ' ' + entry.name;
      dict_avp_data avp{};
      avp.avp_code = entry.code;
      avp.avp_vendor = entry.vendor;
      avp.avp_name = name.data();
      avp.avp_basetype =
          entry.type == codec::AvpType::grouped ? AVP_TYPE_GROUPED : AVP_TYPE_OCTETSTRING;
      EXPECT_EQ(fd_dict_new(made, DICT_AVP, &avp, nullptr, nullptr), 0) << name;
    }
  }
  char name[] = "Credit-Control-Request";
  dict_cmd_data command{272, name, CMD_FLAG_REQUEST, CMD_FLAG_REQUEST};
  EXPECT_EQ(fd_dict_new(made, DICT_COMMAND, &command, nullptr, nullptr), 0);
  return made;
}

void write_tree(msg_or_avp* parent, int depth, std::string& out) {
  msg_or_avp* one = nullptr;
  for (int found = fd_msg_browse_internal(parent, MSG_BRW_FIRST_CHILD, &one, nullptr);
       found == 0 && one != nullptr;
       found = fd_msg_browse_internal(one, MSG_BRW_NEXT, &one, nullptr)) {
    avp_hdr* head = nullptr;
    ASSERT_EQ(fd_msg_avp_hdr(static_cast<avp*>(one), &head), 0);
    dict_object* model = nullptr;
    ASSERT_EQ(fd_msg_model(one, &model), 0);
    std::string_view value;
    if (model != nullptr && head->avp_value != nullptr) {
      value = {reinterpret_cast<const char*>(head->avp_value->os.data), head->avp_value->os.len};
    }
    const bool has_vendor = (head->avp_flags & AVP_FLAG_VENDOR) != 0;
    out += line_of(depth, head->avp_code, has_vendor ? head->avp_vendor : 0, head->avp_flags,
                   head->avp_len, value);
    write_tree(one, depth + 1, out);
  }
}

// The bytes behind the header, as a CCR: which commands there are is not the question.
Verdict judge_by_freediameter(const Bytes& message, dictionary* dict) {
  auto* buffer = static_cast<std::uint8_t*>(std::malloc(message.size()));  // the library frees it
  std::memcpy(buffer, message.data(), message.size());
  const codec::Header header{1, 0xc0, static_cast<std::uint32_t>(message.size()), 272, 4, 1, 1};
  codec::write_header({buffer, codec::header_bytes}, header);
  Verdict verdict;
  msg* parsed = nullptr;
  if (fd_msg_parse_buffer(&buffer, message.size(), &parsed) != 0) {
    std::free(buffer);
    return verdict;
  }
  fd_pei why{};
  verdict.taken = fd_msg_parse_dict(parsed, dict, &why) == 0;
  if (verdict.taken) write_tree(parsed, 0, verdict.tree);
  fd_msg_free(parsed);
  return verdict;
}

// ---- both --------------------------------------------------------------------------------------

std::vector<Bytes> frames() {
  std::vector<Bytes> out = test::corpus();
  for (const auto& file : std::filesystem::directory_iterator(LEVY_GOLDEN_DIR)) {
    if (file.path().extension() != ".hex") continue;
    std::stringstream text;
    text << std::ifstream(file.path()).rdbuf();
    out.push_back(test::from_hex(text.str()));
  }
  return out;
}

class FreeDiameter : public testing::Test {
 protected:
  static dictionary* dict() {
    static dictionary* const made = make_dictionary();
    return made;
  }

  void compare(const Bytes& message) {
    if (message.size() < codec::header_bytes) return;
    const Verdict levy = judge_by_levy(message);
    const Verdict theirs = judge_by_freediameter(message, dict());
    ++(levy.taken ? taken_ : refused_);
    if (levy.stated != Stated::nothing) {
      if (levy.taken != theirs.taken) differ_.insert(levy.stated);
      return;
    }
    EXPECT_EQ(levy.taken, theirs.taken) << "Levy: " << static_cast<unsigned>(levy.code);
    EXPECT_EQ(levy.tree, theirs.tree);
    rating::ChargeRequest request;
    if (!app::decode_ccr(message, app::Dialect{}, request)) {
      EXPECT_TRUE(theirs.taken) << "decode_ccr takes what freeDiameter refuses";
    }
    if (HasFailure()) std::printf("%s\n", test::to_hex(message).c_str());
  }

  std::size_t taken_ = 0, refused_ = 0;
  std::multiset<Stated> differ_;
};

TEST_F(FreeDiameter, FramesAndTheirCuts) {
  for (const Bytes& message : frames()) {
    compare(message);
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_EQ(refused_, 0u);  // the frames are all good
  for (const Bytes& message : frames()) {
    for (std::size_t size = codec::header_bytes; size < message.size() && !HasFailure(); ++size)
      compare(Bytes(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size)));
  }
  EXPECT_GT(refused_, 1000u);
  EXPECT_GT(differ_.count(Stated::padding_missing), 0u);
}

TEST_F(FreeDiameter, Mutations) {
  const std::uint64_t seed = test::from_environment("LEVY_FUZZ_SEED", 1);
  const std::uint64_t rounds = test::from_environment("LEVY_FUZZ_ROUNDS", 60'000);
  const std::vector<Bytes> from = frames();
  test::Mutator mutate(seed);
  for (std::uint64_t round = 0; round < rounds; ++round) {
    compare(mutate(from));
    ASSERT_FALSE(HasFailure()) << "seed " << seed << " round " << round;
  }
  // Both sides must be reached, and each difference seen, or this test would prove nothing.
  EXPECT_GT(taken_, rounds / 20);
  EXPECT_GT(refused_, rounds / 10);
  EXPECT_GT(differ_.count(Stated::padding_missing), 0u);
  EXPECT_GT(differ_.count(Stated::reserved_avp_bits), 0u);
  EXPECT_GT(differ_.count(Stated::vendor_zero), 0u);
}

// The two bounds that mutations seldom reach.
TEST_F(FreeDiameter, BoundsOfLevy) {
  Bytes many(codec::header_bytes);
  for (int i = 0; i <= limits::avps_per_message_max; ++i) {
    const std::uint8_t octets[] = {0, 0, 1, 1, 0, 0, 0, 8};
    many.insert(many.end(), std::begin(octets), std::end(octets));
    if (i + 1 < limits::avps_per_message_max) continue;
    compare(many);
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_EQ(differ_.count(Stated::too_many_avps), 1u);
  Bytes deep;
  for (int depth = 0; depth <= limits::avp_depth_max; ++depth) {
    const auto length = static_cast<std::uint8_t>(deep.size() + 8);  // Failed-AVP in Failed-AVP
    const std::uint8_t octets[] = {0, 0, 1, 0x17, 0x40, 0, 0, length};
    deep.insert(deep.begin(), std::begin(octets), std::end(octets));
    Bytes message(codec::header_bytes + deep.size());
    std::copy(deep.begin(), deep.end(), message.begin() + codec::header_bytes);
    compare(message);
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_EQ(differ_.count(Stated::too_deep), 1u);
}

}  // namespace
}  // namespace levy
