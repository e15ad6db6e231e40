// The AVPs that Levy reads or writes, by the standards' names: code, vendor and the flags it sends.
// Core: edge, shard. Allocates: never. Blocks: never. Clock: none.
//
// Flags are those that every dictionary of interop.md accepts; a unit test holds this list against
// the dictionary.
#pragma once

#include <cstdint>

#include "diameter/codec/avp.hpp"

namespace levy::codec::avp {

inline constexpr std::uint8_t must = avp_mandatory;

// ---- RFC 6733 and what it took over from RADIUS
inline constexpr AvpDef user_name{1, 0, must};
inline constexpr AvpDef framed_ip_address{8, 0, must};
inline constexpr AvpDef filter_id{11, 0, must};
inline constexpr AvpDef class_{25, 0, must};
inline constexpr AvpDef called_station_id{30, 0, must};
inline constexpr AvpDef proxy_state{33, 0, must};
inline constexpr AvpDef acct_multi_session_id{50, 0, must};
inline constexpr AvpDef event_timestamp{55, 0, must};
inline constexpr AvpDef framed_ipv6_prefix{97, 0, must};
inline constexpr AvpDef host_ip_address{257, 0, must};
inline constexpr AvpDef auth_application_id{258, 0, must};
inline constexpr AvpDef acct_application_id{259, 0, must};
inline constexpr AvpDef vendor_specific_application_id{260, 0, must};
inline constexpr AvpDef session_id{263, 0, must};
inline constexpr AvpDef origin_host{264, 0, must};
inline constexpr AvpDef supported_vendor_id{265, 0, must};
inline constexpr AvpDef vendor_id{266, 0, must};
inline constexpr AvpDef firmware_revision{267, 0, 0};
inline constexpr AvpDef result_code{268, 0, must};
inline constexpr AvpDef product_name{269, 0, 0};
inline constexpr AvpDef disconnect_cause{273, 0, must};
inline constexpr AvpDef origin_state_id{278, 0, must};
inline constexpr AvpDef failed_avp{279, 0, must};
inline constexpr AvpDef proxy_host{280, 0, must};
inline constexpr AvpDef error_message{281, 0, 0};
inline constexpr AvpDef route_record{282, 0, must};
inline constexpr AvpDef destination_realm{283, 0, must};
inline constexpr AvpDef proxy_info{284, 0, must};
inline constexpr AvpDef re_auth_request_type{285, 0, must};
inline constexpr AvpDef destination_host{293, 0, must};
inline constexpr AvpDef termination_cause{295, 0, must};
inline constexpr AvpDef origin_realm{296, 0, must};
inline constexpr AvpDef experimental_result{297, 0, must};
inline constexpr AvpDef experimental_result_code{298, 0, must};
inline constexpr AvpDef inband_security_id{299, 0, must};

// ---- RFC 8506
inline constexpr AvpDef cc_correlation_id{411, 0, 0};
inline constexpr AvpDef cc_input_octets{412, 0, must};
inline constexpr AvpDef cc_money{413, 0, must};
inline constexpr AvpDef cc_output_octets{414, 0, must};
inline constexpr AvpDef cc_request_number{415, 0, must};
inline constexpr AvpDef cc_request_type{416, 0, must};
inline constexpr AvpDef cc_service_specific_units{417, 0, must};
inline constexpr AvpDef cc_session_failover{418, 0, must};
inline constexpr AvpDef cc_sub_session_id{419, 0, must};
inline constexpr AvpDef cc_time{420, 0, must};
inline constexpr AvpDef cc_total_octets{421, 0, must};
inline constexpr AvpDef check_balance_result{422, 0, must};
inline constexpr AvpDef cost_information{423, 0, must};
inline constexpr AvpDef cost_unit{424, 0, must};
inline constexpr AvpDef currency_code{425, 0, must};
inline constexpr AvpDef credit_control_failure_handling{427, 0, must};
inline constexpr AvpDef exponent{429, 0, must};
inline constexpr AvpDef final_unit_indication{430, 0, must};
inline constexpr AvpDef granted_service_unit{431, 0, must};
inline constexpr AvpDef rating_group{432, 0, must};
inline constexpr AvpDef redirect_address_type{433, 0, must};
inline constexpr AvpDef redirect_server{434, 0, must};
inline constexpr AvpDef redirect_server_address{435, 0, must};
inline constexpr AvpDef requested_action{436, 0, must};
inline constexpr AvpDef requested_service_unit{437, 0, must};
inline constexpr AvpDef restriction_filter_rule{438, 0, must};
inline constexpr AvpDef service_identifier{439, 0, must};
inline constexpr AvpDef subscription_id{443, 0, must};
inline constexpr AvpDef subscription_id_data{444, 0, must};
inline constexpr AvpDef unit_value{445, 0, must};
inline constexpr AvpDef gsu_pool_identifier{453, 0, must};
inline constexpr AvpDef cc_unit_type{454, 0, must};
inline constexpr AvpDef gsu_pool_reference{457, 0, must};
inline constexpr AvpDef used_service_unit{446, 0, must};
inline constexpr AvpDef value_digits{447, 0, must};
inline constexpr AvpDef validity_time{448, 0, must};
inline constexpr AvpDef final_unit_action{449, 0, must};
inline constexpr AvpDef subscription_id_type{450, 0, must};
inline constexpr AvpDef tariff_time_change{451, 0, must};
inline constexpr AvpDef tariff_change_usage{452, 0, must};
inline constexpr AvpDef multiple_services_indicator{455, 0, must};
inline constexpr AvpDef multiple_services_credit_control{456, 0, must};
inline constexpr AvpDef user_equipment_info{458, 0, 0};
inline constexpr AvpDef user_equipment_info_value{460, 0, 0};
inline constexpr AvpDef service_context_id{461, 0, must};

// ---- 3GPP (TS 32.299, 29.061)
inline constexpr AvpDef third_charging_id{2, vendor_3gpp, 0};
inline constexpr AvpDef third_charging_characteristics{13, vendor_3gpp, 0};
inline constexpr AvpDef third_sgsn_mcc_mnc{18, vendor_3gpp, 0};
inline constexpr AvpDef third_rat_type{21, vendor_3gpp, 0};
inline constexpr AvpDef third_user_location_info{22, vendor_3gpp, 0};
inline constexpr AvpDef role_of_node{829, vendor_3gpp, must};
inline constexpr AvpDef calling_party_address{831, vendor_3gpp, must};
inline constexpr AvpDef called_party_address{832, vendor_3gpp, must};
inline constexpr AvpDef ims_information{876, vendor_3gpp, must};
inline constexpr AvpDef address_data{897, vendor_3gpp, must};
inline constexpr AvpDef qos_information{1016, vendor_3gpp, must};
inline constexpr AvpDef qos_class_identifier{1028, vendor_3gpp, must};
inline constexpr AvpDef recipient_address{1201, vendor_3gpp, must};
inline constexpr AvpDef sms_information{2000, vendor_3gpp, must};
inline constexpr AvpDef recipient_info{2026, vendor_3gpp, must};
inline constexpr AvpDef time_quota_threshold{868, vendor_3gpp, must};
inline constexpr AvpDef volume_quota_threshold{869, vendor_3gpp, must};
inline constexpr AvpDef trigger_type{870, vendor_3gpp, must};
inline constexpr AvpDef quota_holding_time{871, vendor_3gpp, must};
inline constexpr AvpDef reporting_reason{872, vendor_3gpp, must};
inline constexpr AvpDef service_information{873, vendor_3gpp, must};
inline constexpr AvpDef ps_information{874, vendor_3gpp, must};
inline constexpr AvpDef unit_quota_threshold{1226, vendor_3gpp, must};
inline constexpr AvpDef pdp_address{1227, vendor_3gpp, must};
inline constexpr AvpDef trigger{1264, vendor_3gpp, must};
inline constexpr AvpDef aoc_request_type{2055, vendor_3gpp, must};

}  // namespace levy::codec::avp
