// The gateways' Credit-Control-Requests: AVPs, order and flags as interop.md b.1-b.5 lists them.
// Core: tests. Allocates: freely. Blocks: never. Clock: none.
#include "tests/support/gateways.hpp"

namespace levy::test {

namespace {

constexpr std::uint8_t no_flags = 0;
constexpr std::uint32_t hop = 0x0a0b0c0d;
constexpr std::uint32_t end = 0x10203040;

Build subscription(std::uint32_t type, std::string_view data) {
  return Build().group(443, Build().u32(450, type).text(444, data));
}

Bytes address(std::uint8_t last) { return {0, 1, 10, 45, 0, last}; }

Build qos_information() {
  const Build arp = Build()
                        .u32(1046, 8, flag_m, v3gpp)
                        .u32(1047, 1, flag_m, v3gpp)
                        .u32(1048, 1, flag_m, v3gpp);
  const Build qos = Build()
                        .u32(1028, 9, flag_m, v3gpp)
                        .group(1034, arp, flag_m, v3gpp)
                        .u32(1041, 1'000'000'000, flag_m, v3gpp)
                        .u32(1040, 1'000'000'000, flag_m, v3gpp);
  return Build().group(1016, qos, flag_m, v3gpp);
}

}  // namespace

// b.1: no Rating-Group, Requested-Action always, deltas without CC-Total-Octets, 29.061 with M.
Bytes open5gs_ccr(std::uint32_t type, std::uint32_t number) {
  Build mscc;
  if (type != 3) mscc.group(437, Build().u64(421, 1'000'000));
  if (type != 1) {
    const Build used =
        Build().u32(872, 3, flag_m, v3gpp).u32(420, 30).u64(412, 700'000).u64(414, 300'000);
    mscc.group(446, used);
  }
  mscc.append(qos_information());
  Build ps;
  ps.u32(2, 0x11, flag_m, v3gpp);
  if (type == 1) ps.u32(3, 0, flag_m, v3gpp);
  ps.bytes(1227, address(2), flag_m, v3gpp)
      .bytes(1228, address(100), flag_m, v3gpp)
      .bytes(847, address(101), flag_m, v3gpp)
      .text(30, "internet")
      .text(12, "0", flag_m, v3gpp)
      .text(18, "00101", flag_m, v3gpp)
      .bytes(10, {5}, flag_m, v3gpp)
      .bytes(23, {0x40, 0x01}, flag_m, v3gpp)
      .bytes(22, {130, 0, 0xf1, 0x10, 0, 1, 0, 0xf1, 0x10, 0, 0, 0, 1}, flag_m, v3gpp)
      .bytes(21, {6}, flag_m, v3gpp)
      .group(458, Build().u32(459, 0, no_flags).text(460, "3534900698733190", no_flags));
  Build b;
  b.text(263, "smf.localdomain;1700000000;7;app_gy")
      .text(264, "smf.localdomain")
      .text(296, "localdomain")
      .text(283, "localdomain")
      .u32(258, 4)
      .text(461, "32251@3gpp.org")
      .u32(416, type)
      .u32(415, number);
  if (type != 1) b.text(293, "levy.localdomain");
  b.u32(55, 0xe8d3b000).append(subscription(1, "001010000000001"));
  b.append(subscription(0, "491700000001"));
  if (type == 3) b.u32(295, 1);
  b.u32(436, 0).u32(2055, 1, flag_m, v3gpp);
  if (type == 1) b.u32(455, 0);
  b.group(456, mscc);
  b.group(873, Build().group(874, ps, flag_m, v3gpp), flag_m, v3gpp);
  return b.message(272, 4, 0xc0, hop, end);
}

// b.2: grammar order, empty Requested-Service-Unit, Reporting-Reason inside the Used-Service-Unit.
Bytes ergw_ccr(std::uint32_t type, std::uint32_t number) {
  Build b;
  b.text(263, "ergw.example.net;1700000001;42;abc")
      .text(264, "ergw.example.net")
      .text(296, "example.net")
      .text(283, "ocs.example.net")
      .u32(258, 4)
      .text(461, "14.32251@3gpp.org")
      .u32(416, type)
      .u32(415, number)
      .text(1, "user@example.net")
      .u32(278, 1700000000)
      .u32(55, 0xe8d3b001)
      .append(subscription(0, "491700000002"))
      .append(subscription(1, "001010000000002"));
  if (type == 3) b.u32(295, 1);
  b.u32(455, 1);
  for (const std::uint32_t rating_group : {3000u, 3001u}) {
    Build mscc;
    if (type != 3) mscc.group(437, Build());
    if (type != 1) {
      const Build used = Build()
                             .u32(872, type == 3 ? 2 : 4, flag_m, v3gpp)
                             .u32(452, 2)
                             .u32(420, 60)
                             .u64(421, 1500)
                             .u64(412, 1000)
                             .u64(414, 500);
      mscc.group(446, used);
    }
    mscc.u32(432, rating_group);
    b.group(456, mscc);
  }
  b.group(458, Build().u32(459, 0, no_flags).bytes(460, Bytes(8, 0x53), no_flags), no_flags);
  Build ps;
  ps.u32(2, 0x22, no_flags, v3gpp)
      .u32(3, 0, no_flags, v3gpp)
      .bytes(1227, address(3), flag_m, v3gpp)
      .text(30, "internet")
      .bytes(22, {130, 0, 0xf1, 0x10, 0, 1, 0, 0xf1, 0x10, 0, 0, 0, 2}, no_flags, v3gpp)
      .bytes(21, {6}, no_flags, v3gpp);
  b.group(873, Build().group(874, ps, flag_m, v3gpp), flag_m, v3gpp);
  b.text(1, "001010000000002", no_flags, v3gpp);
  return b.message(272, 4, 0xc0, hop, end);
}

// b.3: MSCC in front of CC-Request-Type, Origin-* and Destination-* last, free-form charging id.
Bytes magma_ccr(std::uint32_t type, std::uint32_t number) {
  Build mscc;
  mscc.u32(432, 1);
  if (type != 3) mscc.group(437, Build().u64(412, 0).u64(414, 0).u64(421, 10'000'000));
  mscc.u32(439, 7);
  if (type == 3) mscc.u32(872, 2, flag_m, v3gpp);
  if (type != 1) {
    Build used = Build().u64(412, 3'000'000).u64(414, 1'000'000).u64(421, 4'000'000);
    if (type == 2) used.u32(872, 0, flag_m, v3gpp);
    mscc.group(446, used);
  }
  Build ps;
  ps.u32(3, 0, no_flags, v3gpp)
      .text(21, "\x06", no_flags, v3gpp)
      .text(12, "0", no_flags, v3gpp)
      .text(10, "5", no_flags, v3gpp)
      .bytes(846, address(9), flag_m, v3gpp)
      .bytes(1227, address(4), flag_m, v3gpp)
      .bytes(1228, address(100), flag_m, v3gpp)
      .bytes(847, address(101), flag_m, v3gpp)
      .text(18, "00101", no_flags, v3gpp)
      .text(9, "00101", no_flags, v3gpp)
      .text(30, "magma.ipv4")
      .bytes(22, {130, 0, 0xf1, 0x10, 0, 1, 0, 0xf1, 0x10, 0, 0, 0, 3}, no_flags, v3gpp)
      .text(2, "IMSI001010000000003-776655", no_flags, v3gpp);
  Build b;
  b.text(263, "feg.magma;12345;67890;IMSI001010000000003").group(456, mscc);
  if (type != 1) b.text(293, "levy.magma");
  b.group(873, Build().group(874, ps, flag_m, v3gpp), flag_m, v3gpp)
      .u32(55, 0xe8d3b002)
      .u32(258, 4)
      .u32(416, type)
      .text(461, "32251@3gpp.org")
      .u32(415, number)
      .append(subscription(0, "491700000003"))
      .append(subscription(1, "001010000000003"))
      .group(458, Build().u32(459, 0, no_flags).text(460, "3534900698733190", no_flags), no_flags)
      .u32(455, 1)
      .text(264, "feg.magma")
      .text(296, "magma")
      .u32(278, 1700000003)
      .text(283, "levy.magma.org");
  return b.message(272, 4, 0xc0, hop, end);
}

// b.5: 29.061 AVPs at the top level, private AVPs of vendor 6527 without M.
Bytes nokia_ccr(std::uint32_t type, std::uint32_t number) {
  Build mscc;
  if (type != 3) mscc.group(437, Build().u64(421, 0));
  if (type != 1) {
    const Build used = Build().u32(872, 4, flag_m, v3gpp).u64(412, 10).u64(414, 20);
    mscc.group(446, used);
  }
  mscc.u32(432, 400);
  Build b;
  b.text(263, "bng1.nokia.net;1700000004;1;1")
      .text(264, "bng1.nokia.net")
      .text(296, "nokia.net")
      .text(283, "ocs.nokia.net")
      .u32(258, 4)
      .text(461, "6.32251@3gpp.org")
      .u32(416, type)
      .u32(415, number)
      .text(1, "user@nokia.net")
      .u32(278, 3)
      .u32(55, 0xe8d3b003)
      .append(subscription(1, "001010000000004"));
  if (type == 3) b.u32(295, 1);
  b.u32(455, 1)
      .group(456, mscc)
      .bytes(8, {10, 45, 0, 5})
      .text(30, "internet.nokia")
      .bytes(97, {0, 64, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 1})
      .bytes(123, {0, 56, 0x20, 1, 0xd, 0xb8, 0, 0, 2})
      .bytes(99, Bytes(16, 1), no_flags, 6527)
      .text(1, "001010000000004", no_flags, v3gpp)
      .u32(2, 0x44, no_flags, v3gpp)
      .bytes(21, {6}, no_flags, v3gpp)
      .bytes(22, {130, 0, 0xf1, 0x10, 0, 1, 0, 0xf1, 0x10, 0, 0, 0, 4}, no_flags, v3gpp);
  return b.message(272, 4, 0xc0, hop, end);
}

}  // namespace levy::test
