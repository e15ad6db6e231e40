// The message that a command line describes: the conditions of a Credit-Control-Request.
// Core: none. Allocates: yes. Blocks: never. Clock: none.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rating/request.hpp"
#include "tools/levyctl/plan_price.hpp"

namespace levyctl {

// A request with the bytes that its views point into; neither copied nor moved.
struct Message {
  levy::rating::ChargeRequest request;
  std::string context, apn, plmn, called, calling, location, characteristics;
  Message() = default;
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;
};

// Fills everything but the context; one line per wrong option.
std::vector<std::string> read_message(const PriceOptions& options, Message& message);

// data | voice | sms | mms | other -> its Service-Context-Id; false: none of them.
bool set_context(const std::string& word, Message& message);

}  // namespace levyctl
