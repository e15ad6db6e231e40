// decode_ccr: Service-Information and what else says where, how and to whom the service is given.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
//
// Rates may ask for these facts; none of them is needed to charge. A value of another form than the
// standard's is therefore passed over and never refused: gateways differ most of all here. The
// first of several counts.
#include "diameter/app/ccr_decoder.hpp"

namespace levy::app {

using codec::Avp;
using codec::ResultCode;
namespace avp = codec::avp;

namespace {

// An Address (RFC 6733 4.3.1) without its family, so that it compares with Framed-IP-Address.
std::string_view address_bytes(std::string_view address) {
  const bool ipv4 = address.size() == 6 && address[0] == 0 && address[1] == 1;
  const bool ipv6 = address.size() == 18 && address[0] == 0 && address[1] == 2;
  return ipv4 || ipv6 ? address.substr(2) : address;
}

std::size_t digits_of(std::string_view text) {
  std::size_t count = 0;
  while (count < text.size() && text[count] >= '0' && text[count] <= '9') ++count;
  return count;
}

// The digits of "tel:+4930123;phone-context=...", "sip:+4930123@host", "+4930123" or "4930123";
// empty where it is none of them.
std::string_view number_of(std::string_view address) {
  for (const std::string_view scheme : {"tel:", "sip:", "sips:"}) {
    if (address.starts_with(scheme)) {
      address.remove_prefix(scheme.size());
      break;
    }
  }
  if (address.starts_with('+')) address.remove_prefix(1);
  const std::size_t count = digits_of(address);
  const bool ends = count == address.size() || address[count] == '@' || address[count] == ';';
  return ends ? address.substr(0, count) : std::string_view{};
}

}  // namespace

bool CcrDecoder::on_service_information(const Avp& one) {
  return judge_.walk_group(one, [this](const Avp& inner) {
    if (inner.is(avp::ps_information))
      return judge_.walk_group(inner, [this](const Avp& ps) { return on_ps_avp(ps); });
    if (inner.is(avp::ims_information))
      return judge_.walk_group(inner, [this](const Avp& ims) { return on_ims_avp(ims); });
    if (inner.is(avp::sms_information))
      return judge_.walk_group(inner, [this](const Avp& sms) { return on_sms_avp(sms); });
    return judge_.unread(inner, 1);
  });
}

// AVPs of PS-Information; the charging id is free text at Magma, so its size is not judged.
bool CcrDecoder::on_ps_avp(const Avp& one) {
  if (one.vendor == codec::vendor_3gpp) return on_third_ps_avp(one);
  if (one.is(avp::called_station_id)) return called_station(one);
  if (one.is(avp::user_equipment_info)) return on_equipment(one, 2);
  return judge_.unread(one, 2);
}

bool CcrDecoder::on_third_ps_avp(const Avp& one) {
  switch (one.code) {
    case avp::third_charging_id.code:
      if (one.data.size() > limits::diameter_identity_bytes_max) {
        return judge_.fail(ResultCode::invalid_avp_value, one);
      }
      if (request_.charging_id.empty()) request_.charging_id = one.text();
      return true;
    case avp::pdp_address.code:
      if (request_.pdp_address.empty()) request_.pdp_address = address_bytes(one.text());
      return true;
    case avp::third_sgsn_mcc_mnc.code: {
      const std::size_t digits = digits_of(one.text());
      if (request_.serving_plmn.empty() && digits == one.data.size() && digits >= 5 && digits <= 6)
        request_.serving_plmn = one.text();
      return true;
    }
    case avp::third_rat_type.code:
      if (request_.rat_type == 0 && one.data.size() == 1)
        request_.rat_type = static_cast<std::uint16_t>(one.data[0] + 1u);
      return true;
    case avp::third_user_location_info.code:
      if (request_.user_location.empty()) request_.user_location = one.text();
      return true;
    case avp::third_charging_characteristics.code:
      if (request_.characteristics.empty() && one.data.size() == 4)
        request_.characteristics = one.text();
      return true;
    default: return judge_.unread(one, 2);
  }
}

bool CcrDecoder::on_ims_avp(const Avp& one) {
  if (one.is(avp::called_party_address)) {
    if (request_.called_party.empty()) request_.called_party = number_of(one.text());
    return true;
  }
  if (one.is(avp::calling_party_address)) {
    if (request_.calling_party.empty()) request_.calling_party = number_of(one.text());
    return true;
  }
  if (one.is(avp::role_of_node)) {
    std::uint32_t role = 0;
    if (request_.role_of_node == 0 && codec::read_u32(one, role) && role <= 1)
      request_.role_of_node = static_cast<std::uint8_t>(role + 1);
    return true;
  }
  return judge_.unread(one, 2);
}

bool CcrDecoder::on_sms_avp(const Avp& one) {
  if (!one.is(avp::recipient_info)) return judge_.unread(one, 2);
  return judge_.walk_group(one, [this](const Avp& inner) {
    return inner.is(avp::recipient_address) ? on_recipient(inner) : judge_.unread(inner, 3);
  });
}

bool CcrDecoder::on_recipient(const Avp& one) {
  return judge_.walk_group(one, [this](const Avp& inner) {
    if (!inner.is(avp::address_data)) return judge_.unread(inner, 4);
    if (request_.called_party.empty()) request_.called_party = number_of(inner.text());
    return true;
  });
}

bool CcrDecoder::on_equipment(const Avp& one, int depth) {
  return judge_.walk_group(one, [this, depth](const Avp& inner) {
    if (!inner.is(avp::user_equipment_info_value)) return judge_.unread(inner, depth + 1);
    if (request_.equipment.empty()) request_.equipment = inner.text();
    return true;
  });
}

}  // namespace levy::app
