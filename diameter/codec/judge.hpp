// Judge: the walk over AVPs that all application decoders share, and what they do not read.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
//
// RFC 6733 section 4.1 and 4.4: an unknown AVP with the M bit refuses the message, also inside a
// known group that has the M bit itself; an unknown group is not opened, and what is unknown in a
// group without the M bit cannot refuse (interop.md c.4, 5001).
// The data of known AVPs that nobody reads is not judged (gateways send odd lengths there).
#pragma once

#include <cstdint>

#include "config/limits.hpp"
#include "diameter/codec/avp.hpp"
#include "diameter/codec/dictionary.hpp"

namespace levy::codec {

class Judge {
 public:
  explicit Judge(bool ignore_unknown_mandatory)
      : ignore_unknown_mandatory_(ignore_unknown_mandatory) {}

  const CodecError& error() const { return error_; }

  // Calls on_avp(const Avp&) -> bool for each AVP of `bytes`; false when it refused or the
  // structure is wrong. The number of AVPs of one message, all levels together, is bounded.
  template <class OnAvp>
  bool walk(Bytes bytes, OnAvp&& on_avp) {
    AvpCursor cursor(bytes);
    Avp one;
    while (cursor.next(one)) {
      if (--avps_left_ < 0) [[unlikely]] return fail(ResultCode::avp_occurs_too_many_times, one);
      if (!on_avp(static_cast<const Avp&>(one))) [[unlikely]] return false;
    }
    if (cursor.error()) [[unlikely]] {
      error_ = cursor.error();
      return false;
    }
    return true;
  }

  // The AVPs of a group. One without the M bit may be ignored as a whole, and so may what is
  // unknown inside.
  template <class OnAvp>
  bool walk_group(const Avp& group, OnAvp&& on_avp) {
    const bool former = ignore_unknown_mandatory_;
    if (!group.mandatory()) ignore_unknown_mandatory_ = true;
    const bool good = walk(group.data, on_avp);
    ignore_unknown_mandatory_ = former;
    return good;
  }

  // An AVP that the decoder does not read, `depth` groups deep (0 = top level).
  bool unread(const Avp& one, int depth) {
    const AvpType type = traits_of(one.code, one.vendor);
    if (type != AvpType::unknown && type != AvpType::grouped) [[likely]] return true;
    return judge_rarer(one, type, depth);
  }

  [[gnu::cold, gnu::noinline]] bool fail(ResultCode code, const Avp& offending) {
    error_ = CodecError{};
    error_.code = code;
    error_.offending = offending.whole;
    return false;
  }
  // 5007: both AVPs go into the Failed-AVP.
  [[gnu::cold, gnu::noinline]] bool contradict(Bytes first, Bytes second) {
    error_ = CodecError{};
    error_.code = ResultCode::contradicting_avps;
    error_.offending = second;
    error_.other = first;
    return false;
  }
  [[gnu::cold, gnu::noinline]] bool missing(AvpDef absent) {
    error_ = CodecError{};
    error_.code = ResultCode::missing_avp;
    error_.missing_code = absent.code;
    error_.missing_vendor = absent.vendor;
    return false;
  }

 private:
  bool judge_rarer(const Avp& one, AvpType type, int depth);

  CodecError error_{};
  int avps_left_ = limits::avps_per_message_max;
  bool ignore_unknown_mandatory_;
};

}  // namespace levy::codec
