// The routes whose bodies or answers are streams: imports and traces.
// Core: admin threads. Allocates: yes. Blocks: yes. Clock: steady, for traces.
#pragma once

#include <atomic>

#include "engine/admin/routes.hpp"

namespace httplib {
struct Request;
struct Response;
class ContentReader;
}  // namespace httplib

namespace levy::admin {

// Sends an Answer.
void send(httplib::Response& response, const Answer& answer);

class Streams {
 public:
  Streams(ControlDoor& door, Operations& operations, ImportProgress& progress)
      : door_(door), operations_(operations), progress_(progress) {}

  // Takes the body's lines (no reader: there is none). false: refused, and nothing was read.
  bool import(const Call& call, const httplib::Request& request, httplib::Response& response,
              const httplib::ContentReader* reader);
  void trace(const Call& call, httplib::Response& response);
  // Traces and imports under way come to their end.
  void stop() { stopping_ = true; }

 private:
  std::optional<Answer> import_options(const Call& call, const httplib::Request& request,
                                       ImportOptions& options) const;
  void stream_trace(const Target& target, std::uint64_t seconds, std::uint64_t count,
                    httplib::Response& response);

  ControlDoor& door_;
  Operations& operations_;
  ImportProgress& progress_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> tracing_{false};
};

}  // namespace levy::admin
