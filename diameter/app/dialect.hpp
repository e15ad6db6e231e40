// Dialect: what one make of gateway cannot take or says differently, as data.
// Core: edge, shard (read only). Allocates: never. Blocks: never. Clock: none.
//
// Filled from the YAML's `dialects`; index 0 is the default that suits every client of interop.md.
#pragma once

#include <cstdint>

namespace levy::app {

enum class OverloadAnswer : std::uint8_t { too_busy_3004, unable_to_comply_5012, drop };

struct Dialect {
  char name[64] = "default";
  bool implicit_rsu = false;          // grant without RSU for certain Reporting-Reasons
  bool no_credit_code_4012 = false;   // 4012 also with REDIRECT and RESTRICT_ACCESS
  bool ignore_unknown_mandatory = false;  // unknown AVP with the M bit: ignore instead of 5001
  bool triggers = true;               // Trigger may stand in an MSCC with a grant
  bool supersede = true;              // a new session ends an older one of the same bearer
  bool rar_rating_group = true;       // Rating-Group may stand in a Gy RAR
  bool tariff_time_change = false;    // Tariff-Time-Change may stand in a grant of octets
  bool pools = false;                 // G-S-U-Pool-Reference may stand beside a grant
  bool asr = false;                   // an Abort-Session-Request makes it end a session by itself
  bool raa_retry_3002 = false;        // retry a RAR answered 3002
  bool raa_retry_5012 = false;
  OverloadAnswer overload_initial = OverloadAnswer::too_busy_3004;
  OverloadAnswer overload_update = OverloadAnswer::too_busy_3004;
  OverloadAnswer overload_termination = OverloadAnswer::too_busy_3004;
  bool ignore_origin_state_id = false;  // nodes of a cluster, one name and a value each
  // The gateway's answer timer; older requests are dropped; 0 = none.
  std::uint32_t deadline_ms = 0;
  std::uint32_t duplicate_window_s = 900;  // tombstone life of ended sessions
};

}  // namespace levy::app
