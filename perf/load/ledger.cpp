// Ledger: writing and reading.
// Core: load. Allocates: yes. Blocks: file I/O. Clock: none.
#include "perf/load/ledger.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <unordered_map>

namespace levy::load {
namespace {

constexpr std::string_view head = "# levyload-ledger 1 ";

bool type_of(const std::string& letter, RequestType& type) {
  if (letter == "I") type = RequestType::initial;
  else if (letter == "U") type = RequestType::update;
  else if (letter == "T") type = RequestType::termination;
  else return false;
  return true;
}

// The fields of an S line after the key; false on nonsense.
bool read_sent(std::istringstream& in, const SessionName& name, Request& request) {
  std::string imsi;
  unsigned mask = 0;
  if (!(in >> imsi >> request.event_time >> request.end_to_end >> mask)) return false;
  request.subscriber = static_cast<std::uint32_t>(name.subscriber);
  request.generation = static_cast<std::uint32_t>(name.generation);
  request.used_mask = static_cast<std::uint8_t>(mask);
  request.repeat = true;
  return true;
}

}  // namespace

Ledger::~Ledger() {
  if (fd_ < 0) return;
  flush();
  ::close(fd_);
}

std::string Ledger::open(const std::string& file, const Shape& shape, bool resuming) {
  shape_ = shape;
  fd_ = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd_ < 0) return fmt::format("{}: {}", file, std::strerror(errno));
  const off_t size = ::lseek(fd_, 0, SEEK_END);
  if (size > 0 && !resuming) return fmt::format("{}: exists; one ledger holds one run", file);
  if (size == 0) fmt::format_to(std::back_inserter(buffer_), "{}{}\n", head, shape_line(shape));
  return flush() ? "" : fmt::format("{}: {}", file, std::strerror(errno));
}

void Ledger::sent(const Request& r, std::string_view session_id, const CcrTemplates& templates) {
  fmt::format_to(std::back_inserter(buffer_), "S {} {} {} {:015} {} {} {} {} ", session_id,
                 letter_of(r.type), r.number, shape_.imsi_first + r.subscriber, r.event_time,
                 r.end_to_end, r.used_mask, r.retransmit ? 'T' : r.repeat ? 'R' : '-');
  for (std::size_t i = 0; i < shape_.mscc; ++i) {
    fmt::format_to(std::back_inserter(buffer_), "{}{}:{}", i == 0 ? "" : ",",
                   rating_group_of(shape_, r.subscriber, i), templates.used_of(r, i));
  }
  buffer_ += '\n';
}

void Ledger::answered(const Request& r, std::string_view session_id, const AnswerFacts& facts) {
  fmt::format_to(std::back_inserter(buffer_), "A {} {} {} {} ", session_id, letter_of(r.type),
                 r.number, facts.result);
  for (std::size_t i = 0; i < shape_.mscc; ++i) {
    fmt::format_to(std::back_inserter(buffer_), "{}{}:{}:{}", i == 0 ? "" : ",",
                   rating_group_of(shape_, r.subscriber, i), facts.mscc_result[i],
                   facts.granted[i]);
  }
  buffer_ += '\n';
}

bool Ledger::flush() {
  std::size_t done = 0;
  while (done < buffer_.size()) {
    const ssize_t written = ::write(fd_, buffer_.data() + done, buffer_.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    done += static_cast<std::size_t>(written);
  }
  buffer_.clear();
  return true;
}

std::string read_unanswered(const std::string& file, Unanswered& found) {
  std::ifstream in(file);
  std::string line;
  if (!in || !std::getline(in, line)) return fmt::format("{}: cannot be read", file);
  if (line.rfind(head, 0) != 0 || !parse_shape_line(line.substr(head.size()), found.shape)) {
    return fmt::format("{}:1: no head line of a ledger", file);
  }
  std::vector<Request> order;
  std::unordered_map<std::string, std::size_t> open;  // key -> place in `order`
  std::vector<bool> done;
  for (std::size_t number = 2; std::getline(in, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream fields(line);
    std::string kind, session, letter;
    Request request;
    SessionName name;
    if (!(fields >> kind >> session >> letter >> request.number) ||
        (kind != "S" && kind != "A") || !type_of(letter, request.type) ||
        !parse_session_id(session, name) || name.subscriber >= found.shape.subscribers ||
        (kind == "S" && !read_sent(fields, name, request))) {
      return fmt::format("{}:{}: not a line of a ledger", file, number);
    }
    const std::string key = fmt::format("{} {} {}", session, letter, request.number);
    const auto place = open.find(key);
    if (kind == "S") {
      ++found.sent;
      if (place != open.end()) continue;  // a repeat of one that is already here
      open.emplace(key, order.size());
      order.push_back(request);
      done.push_back(false);
    } else {
      ++found.answered;
      if (place == open.end()) return fmt::format("{}:{}: answers nothing sent", file, number);
      done[place->second] = true;
    }
  }
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (!done[i]) found.requests.push_back(order[i]);
  }
  return "";
}

}  // namespace levy::load
