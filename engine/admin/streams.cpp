// Imports and traces (see streams.hpp).
// Core: admin threads. Allocates: yes. Blocks: yes. Clock: steady, for traces.
#include "engine/admin/streams.hpp"

#include <httplib.h>

#include <chrono>

#include "engine/admin/amount.hpp"
#include "engine/admin/trace.hpp"

namespace levy::admin {

using httplib::ContentReader;
using httplib::Request;
using httplib::Response;

void send(Response& response, const Answer& answer) {
  response.status = answer.status;
  response.set_content(answer.body, answer.type);
}

namespace {

// Who and why, as the query says them: an import's body has no place for them.
std::optional<Answer> import_reasons(const Call& call, ImportOptions& import) {
  const std::string_view who = call.value("who"), why = call.value("why");
  if (!call.caller.empty() && !who.empty() && who != call.caller)
    return wrong_who(who, call.caller);
  if (!call.caller.empty())
    import.who = call.caller;
  else if (!who.empty())
    import.who = who;
  import.why = why;
  shard::OperatorRequest room;
  if (!put_text(room.who, import.who) || !put_text(room.why, import.why)) {
    return error_answer(400, "bad_request", "who or why is too long, or has a zero byte",
                        "who: at most 31 bytes, why: at most 95");
  }
  return std::nullopt;
}

}  // namespace

std::optional<Answer> Streams::import_options(const Call& call, const Request& request,
                                              ImportOptions& import) const {
  const auto value = [&](const char* key, std::string_view otherwise) {
    const std::string_view text = call.value(key);
    return call.query.count(key) == 0 ? otherwise : text;
  };
  const std::string_view format = value("format", "csv"), on_error = value("on_error", "skip");
  const std::string_view set_balance = value("set_balance", "0");
  if (format != "csv" && format != "ndjson") {
    return error_answer(400, "bad_request", "format is csv or ndjson");
  }
  if (on_error != "skip" && on_error != "stop") {
    return error_answer(400, "bad_request", "on_error is skip or stop");
  }
  if (set_balance != "0" && set_balance != "1") {
    return error_answer(400, "bad_request", "set_balance is 0 or 1");
  }
  import.json_lines = format == "ndjson";
  import.stop_on_error = on_error == "stop";
  import.set_balance = set_balance == "1";
  if (call.query.count("currency") != 0) {
    import.currency = currency_number(call.value("currency"));
    if (import.currency == 0) return error_answer(400, "bad_request", "no such currency");
  }
  if (auto fault = import_reasons(call, import)) return fault;
  // Without either nobody can tell the end of the body from a connection that broke.
  if (!request.has_header("Content-Length") && !request.has_header("Transfer-Encoding")) {
    return error_answer(411, "bad_request", "the body has no length",
                        "send Content-Length or Transfer-Encoding: chunked");
  }
  return std::nullopt;
}

bool Streams::import(const Call& call, const Request& request, Response& response,
                     const ContentReader* reader) {
  ImportOptions choice;
  auto fault = import_options(call, request, choice);
  std::unique_lock lock(operations_.identity_mutex(), std::defer_lock);
  if (!fault && !lock.try_lock_for(Operations::identity_patience)) {
    fault = error_answer(503, "busy", "an import or a change of identities is running",
                         "GET /v1/import shows how far it is");
  }
  if (fault) {
    send(response, *fault);
    return false;
  }
  Import import(door_, choice, progress_);
  // After a stop the rest is read and dropped, so that the summary arrives.
  bool going = true;
  const auto take = [&](const char* part, std::size_t size) {
    if (going) going = import.feed({part, size});
    return !stopping_.load();
  };
  import.finish(reader == nullptr || (*reader)(take));
  if (!import.refusal().empty()) {
    send(response,
         error_answer(422, "invalid", import.refusal(), "the first line of CSV names the columns"));
  } else {
    send(response, {import.stopped() ? 422 : 200, import.summary_json()});
  }
  return true;
}

void Streams::trace(const Call& call, Response& response) {
  std::uint64_t seconds = 0, count = 0;  // 0 = no end
  for (const auto& [key, text] : call.query) {
    std::uint64_t& into = key == "seconds" ? seconds : count;
    if (!parse_number(text, 1'000'000'000, into).empty()) {
      return send(response, error_answer(400, "bad_request", "parameter \"" + key + "\"",
                                         "seconds=N and count=N"));
    }
  }
  const auto target = find_target(door_, call.name);
  if (!target) return send(response, unknown_target(call.name));
  if (tracing_.exchange(true)) {
    return send(response, error_answer(409, "busy", "another trace is running", "end it first"));
  }
  stream_trace(*target, seconds, count, response);
}

void Streams::stream_trace(const Target& target, std::uint64_t seconds, std::uint64_t count,
                           Response& response) {
  const auto queue = std::make_shared<TraceQueue>();
  const Answer marked = operations_.trace_mark(target, true);
  const bool started = marked.ok() && door_.trace(operations_.subscribers_of(target),
                                                  [queue](const ControlDoor::TraceItem& item) {
                                                    return queue->put(item);
                                                  });
  if (!started) {
    if (marked.ok()) operations_.trace_mark(target, false);
    tracing_ = false;
    return send(response, marked.ok() ? error_answer(503, "busy", "no trace can start") : marked);
  }
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::seconds(seconds);
  const auto sent = std::make_shared<std::uint64_t>(0);
  response.set_chunked_content_provider(
      "application/x-ndjson",
      [this, queue, sent, seconds, deadline, count](std::size_t, httplib::DataSink& sink) {
        const bool over =
            stopping_ || (seconds > 0 && Clock::now() >= deadline) || (count > 0 && *sent >= count);
        if (over) {
          sink.done();
          return true;
        }
        std::string line = queue->next(std::chrono::milliseconds(200));
        if (line.empty())
          line = "\n";  // tells a reader who is gone from one who waits
        else
          ++*sent;
        return sink.write(line.data(), line.size());
      },
      [this, queue, target](bool) {
        queue->end();
        door_.trace({}, nullptr);
        operations_.trace_mark(target, false);
        tracing_ = false;
      });
}

}  // namespace levy::admin
