// Words of what Records enumerate, for people and files: one place, so that no two tools disagree.
// Core: any. Allocates: never. Blocks: never. Clock: none.
#pragma once

#include <cstddef>
#include <iterator>

#include "engine/shard/outcome.hpp"

namespace levy::shard {

inline constexpr const char* operator_kind_words[] = {"none",
                                                      "create_account",
                                                      "create_subscriber",
                                                      "create_bucket",
                                                      "delete_subscriber",
                                                      "change_identity",
                                                      "credit",
                                                      "adjust",
                                                      "set_wallet",
                                                      "set_status",
                                                      "set_plan",
                                                      "buy_product",
                                                      "end_product",
                                                      "set_credit_limit",
                                                      "set_counter",
                                                      "set_validity",
                                                      "show_account",
                                                      "list_sessions",
                                                      "reauthorize",
                                                      "abort_session",
                                                      "trace",
                                                      "transfer_out",
                                                      "transfer_in",
                                                      "transfer_close",
                                                      "transfer_forget",
                                                      "list_mail",
                                                      "switch_plan",
                                                      "intern",
                                                      "recovered",
                                                      "host_restarted",
                                                      "shard_totals",
                                                      "set_segment",
                                                      "set_friend",
                                                      "lend",
                                                      "plan_use",
                                                      "show_session"};
static_assert(std::size(operator_kind_words) ==
              static_cast<std::size_t>(OperatorKind::show_session) + 1);

inline constexpr const char* request_type_words[] = {"", "initial", "update", "termination",
                                                     "event"};
static_assert(std::size(request_type_words) ==
              static_cast<std::size_t>(rating::RequestType::event) + 1);

inline constexpr const char* reason_words[] = {"ok",
                                               "no_credit",
                                               "denied",
                                               "not_applicable",
                                               "refused",
                                               "rating_failed",
                                               "user_unknown",
                                               "unknown_session",
                                               "unable_to_comply"};
static_assert(std::size(reason_words) ==
              static_cast<std::size_t>(rating::Reason::unable_to_comply) + 1);

inline constexpr const char* product_event_words[] = {"",          "bought",  "started", "renewed",
                                                      "suspended", "resumed", "ended",   "refused"};
static_assert(std::size(product_event_words) ==
              static_cast<std::size_t>(ProductEvent::refused) + 1);

inline constexpr const char* period_unit_words[] = {"", "hour", "day", "week", "month", "year"};
static_assert(std::size(period_unit_words) ==
              static_cast<std::size_t>(rating::PeriodUnit::year) + 1);

inline constexpr const char* product_state_words[] = {"free", "waiting", "active", "suspended"};
static_assert(std::size(product_state_words) ==
              static_cast<std::size_t>(ProductState::suspended) + 1);

inline constexpr const char* unit_words[] = {"money", "octets", "seconds", "events"};
static_assert(std::size(unit_words) == static_cast<std::size_t>(rating::Unit::events) + 1);

inline constexpr const char* movement_words[] = {
    "credit", "expire", "spend", "write_off", "reserve", "release", "send", "arrive", "come_back"};
static_assert(std::size(movement_words) ==
              static_cast<std::size_t>(rating::MovementKind::come_back) + 1);

}  // namespace levy::shard
