// The JSON object of a request body as checked texts: the reader of every POST route.
// Core: admin threads. Allocates: yes. Blocks: never. Clock: none.
//
// Strict: an unknown key is a fault, a number with a fraction is a fault (amounts are text, so that
// nothing passes through floating point), and a text too long for its field is a fault.
#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "engine/admin/request.hpp"

namespace levy::admin {

class Fields {
 public:
  // Reads the body; every key must be among `known`. fault() says what is wrong with it.
  Fields(const Asked& asked, std::initializer_list<std::string_view> known);

  bool has(std::string_view key) const { return values_.count(std::string(key)) != 0; }
  // The text of a key (numbers and booleans as written); empty when absent.
  std::string_view text(std::string_view key) const;
  // The same, and a fault when it is absent or empty.
  std::string_view required(std::string_view key);
  // The same, and a fault when it has more than `bytes_max` bytes.
  std::string_view bounded(std::string_view key, std::size_t bytes_max);
  std::uint64_t number(std::string_view key, std::uint64_t max);  // 0 when absent

  // Who asks: the caller, whom the body may name and nobody else; of a caller that the door does
  // not know, whom the body names.
  std::string_view who();

  void fail(std::string_view detail, std::string_view hint = {});
  const std::optional<Answer>& fault() const { return fault_; }

 private:
  void read(std::string_view body, std::initializer_list<std::string_view> known);

  std::string_view caller_;
  std::map<std::string, std::string, std::less<>> values_;
  std::optional<Answer> fault_;
};

// The request's key, and who asks why; each fits its field of OperatorRequest.
struct Reasons {
  std::string_view key, who, why;
};
Reasons reasons_of(Fields& fields);
void put_reasons(Fields& fields, shard::OperatorRequest& request);

}  // namespace levy::admin
