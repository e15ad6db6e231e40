// AVPs: a cursor that walks them as views, and a writer that appends them to a span.
// Core: edge, shard. Allocates: never. Blocks: never. Clock: none.
//
// Rules of RFC 6733 section 4: length covers header and data, padding to 4 bytes is not counted,
// the last AVP of a message or group is padded too (its padding must lie inside the enclosing
// length). Views point into the received bytes and live as long as the frame.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "diameter/codec/error.hpp"
#include "diameter/codec/header.hpp"

namespace levy::codec {

enum AvpFlags : std::uint8_t {
  avp_vendor = 0x80,
  avp_mandatory = 0x40,
  avp_protected = 0x20,
  avp_reserved = 0x1f,
};

using Bytes = std::span<const std::uint8_t>;

// What stands in front of an AVP that Levy writes: `flags` is without the V bit, which follows from
// `vendor`. The constants are in names.hpp.
struct AvpDef {
  std::uint32_t code = 0;
  std::uint32_t vendor = 0;
  std::uint8_t flags = 0;
};

struct Avp {
  std::uint32_t code = 0;
  std::uint32_t vendor = 0;  // 0 without the V bit
  std::uint8_t flags = 0;
  Bytes data{};              // without header and padding
  Bytes whole{};             // header and data, without padding: for Failed-AVP

  bool is(std::uint32_t c, std::uint32_t v = 0) const { return code == c && vendor == v; }
  bool is(AvpDef def) const { return is(def.code, def.vendor); }
  bool mandatory() const { return (flags & avp_mandatory) != 0; }
  std::string_view text() const {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
  }
};

// Walks the AVPs of a message (after its header) or of a group. next() is false at the end or on
// the first fault; error() tells which. A fault is 5014 INVALID_AVP_LENGTH (length below the
// header, beyond the enclosing bytes, or padding missing) or 3009 INVALID_AVP_BITS (reserved bits
// set).
class AvpCursor {
 public:
  explicit AvpCursor(Bytes bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool next(Avp& avp) {
    const auto left = static_cast<std::size_t>(end_ - at_);
    if (left == 0) return false;
    if (left < 8) return fail(ResultCode::invalid_avp_length, left);
    const std::uint8_t flags = at_[4];
    const std::size_t length = load24(at_ + 5);
    const std::size_t head = (flags & avp_vendor) != 0 ? 12 : 8;
    if (length < head || length > left) return fail(ResultCode::invalid_avp_length, left);
    const std::size_t padded = (length + 3) & ~std::size_t{3};
    if (padded > left) return fail(ResultCode::invalid_avp_length, left);
    if ((flags & avp_reserved) != 0) return fail(ResultCode::invalid_avp_bits, length);
    avp.code = load32(at_);
    avp.vendor = head == 12 ? load32(at_ + 8) : 0;
    avp.flags = flags;
    avp.data = Bytes{at_ + head, length - head};
    avp.whole = Bytes{at_, length};
    at_ += padded;
    return true;
  }

  const CodecError& error() const { return error_; }

 private:
  [[gnu::cold]] bool fail(ResultCode code, std::size_t length) {
    error_.code = code;
    error_.offending = Bytes{at_, length};
    at_ = end_;
    return false;
  }

  const std::uint8_t* at_;
  const std::uint8_t* end_;
  CodecError error_{};
};

// Appends AVPs to a span. Running out of room is remembered (overflowed()), never written past;
// the caller checks once at the end. Groups nest: the value of begin_group() goes to end_group().
class Writer {
 public:
  explicit Writer(std::span<std::uint8_t> into) : begin_(into.data()), size_(into.size()) {}

  // Reserves the header; finish() writes it with the final length.
  void begin_message() { claim(header_bytes); }
  // Returns the message's length, 0 when it did not fit.
  std::size_t finish(Header header) {
    if (overflowed_) return 0;
    header.length = static_cast<std::uint32_t>(used_);
    write_header({begin_, header_bytes}, header);
    return used_;
  }

  // `flags`: AvpFlags without the V bit, which follows from `vendor`.
  void bytes(std::uint32_t code, std::uint32_t vendor, std::uint8_t flags, Bytes data) {
    std::uint8_t* p = avp_header(code, vendor, flags, data.size());
    if (p == nullptr) return;
    if (!data.empty()) std::memcpy(p, data.data(), data.size());
  }
  void text(std::uint32_t code, std::uint32_t vendor, std::uint8_t flags, std::string_view data) {
    bytes(code, vendor, flags,
          Bytes{reinterpret_cast<const std::uint8_t*>(data.data()), data.size()});
  }
  void u32(std::uint32_t code, std::uint32_t vendor, std::uint8_t flags, std::uint32_t value) {
    std::uint8_t* p = avp_header(code, vendor, flags, 4);
    if (p != nullptr) store32(p, value);
  }
  void u64(std::uint32_t code, std::uint32_t vendor, std::uint8_t flags, std::uint64_t value) {
    std::uint8_t* p = avp_header(code, vendor, flags, 8);
    if (p != nullptr) store64(p, value);
  }

  void bytes(AvpDef def, Bytes data) { bytes(def.code, def.vendor, def.flags, data); }
  void text(AvpDef def, std::string_view data) { text(def.code, def.vendor, def.flags, data); }
  void u32(AvpDef def, std::uint32_t value) { u32(def.code, def.vendor, def.flags, value); }
  void u64(AvpDef def, std::uint64_t value) { u64(def.code, def.vendor, def.flags, value); }
  std::size_t begin_group(AvpDef def) { return begin_group(def.code, def.vendor, def.flags); }

  // Opens a grouped AVP; its length is patched by end_group().
  std::size_t begin_group(std::uint32_t code, std::uint32_t vendor, std::uint8_t flags) {
    const std::size_t start = used_;
    avp_header(code, vendor, flags, 0);
    return start;
  }
  void end_group(std::size_t start) {
    if (!overflowed_) store24(begin_ + start + 5, static_cast<std::uint32_t>(used_ - start));
  }

  // Copies an AVP as received (header and data) and pads it: Proxy-Info, Failed-AVP.
  void copy(Bytes whole) {
    std::uint8_t* p = claim((whole.size() + 3) & ~std::size_t{3});
    if (p == nullptr) return;
    std::memcpy(p, whole.data(), whole.size());
    for (std::size_t i = whole.size(); (i & 3) != 0; ++i) p[i] = 0;
  }

  std::size_t size() const { return used_; }
  bool overflowed() const { return overflowed_; }

 private:
  std::uint8_t* claim(std::size_t bytes) {
    if (overflowed_ || size_ - used_ < bytes) {
      overflowed_ = true;
      return nullptr;
    }
    std::uint8_t* p = begin_ + used_;
    used_ += bytes;
    return p;
  }

  // Claims header, data and padding; writes header and padding; returns the data's place.
  std::uint8_t* avp_header(std::uint32_t code, std::uint32_t vendor, std::uint8_t flags,
                           std::size_t data_size) {
    const std::size_t head = vendor != 0 ? 12 : 8;
    const std::size_t length = head + data_size;
    const std::size_t padded = (length + 3) & ~std::size_t{3};
    std::uint8_t* p = claim(padded);
    if (p == nullptr) return nullptr;
    store32(p, code);
    p[4] = static_cast<std::uint8_t>(flags | (vendor != 0 ? avp_vendor : 0));
    store24(p + 5, static_cast<std::uint32_t>(length));
    if (vendor != 0) store32(p + 8, vendor);
    for (std::size_t i = length; i < padded; ++i) p[i] = 0;
    return p + head;
  }

  std::uint8_t* begin_;
  std::size_t size_;
  std::size_t used_ = 0;
  bool overflowed_ = false;
};

// Fixed-size values; false when the AVP's data has the wrong size (then 5014 INVALID_AVP_LENGTH).
inline bool read_u32(const Avp& avp, std::uint32_t& value) {
  if (avp.data.size() != 4) return false;
  value = load32(avp.data.data());
  return true;
}
inline bool read_u64(const Avp& avp, std::uint64_t& value) {
  if (avp.data.size() != 8) return false;
  value = load64(avp.data.data());
  return true;
}

}  // namespace levy::codec
