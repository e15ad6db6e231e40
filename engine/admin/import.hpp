// Import: a stream of lines -> accounts, buckets and subscribers, a thousand in flight.
// Core: one admin thread; completions come on the control thread. Allocates: yes. Blocks: feed()
// waits for room in the window. Clock: steady, for waits.
//
// One line at a time holds an account's name and each identity (locks_), so lines of one account
// keep their order and no identity gets two owners; all other lines overlap freely. Each Command
// of a line is durable, and what it made is published, before the line's next one; a new account
// with its buckets and its first subscriber is one Command, each product of a line another. What
// cannot be published is undone. Every Command is idempotent: a line imported twice changes nothing
// the second time, and a refused `busy` is asked again. Whoever runs an Import holds
// Operations::identity_mutex().
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/admin/import_row.hpp"
#include "engine/base/table.hpp"

namespace levy::admin {

struct ImportOptions {
  bool json_lines = false;       // else CSV with a header
  bool stop_on_error = false;
  bool set_balance = false;      // an existing account's wallet becomes what the line says
  std::uint16_t currency = 0;    // where neither the line nor its plan has one
  std::size_t window = 1024;     // lines under way at once: they and their places fit the cache
  std::string who = "import";    // for the Records, as `why`: they fit their fields
  std::string why{};
  std::string key{};  // of one line that must not act twice (a create)
};

// Read by other threads while an Import runs.
struct ImportProgress {
  std::atomic<std::uint64_t> lines{0}, created{0}, updated{0}, unchanged{0}, failed{0};
  std::atomic<bool> running{false};
};

struct LineError {
  std::uint64_t line = 0;
  std::string why;
};

class Import {
 public:
  static constexpr std::size_t line_bytes_max = 16 * 1024;
  static constexpr std::size_t errors_max = 100;  // kept with their reasons; all are counted
  static constexpr std::string_view key_reused_text = "the key was used for another request";

  Import(ControlDoor& door, const ImportOptions& options, ImportProgress& progress);
  ~Import();  // waits for what is under way
  Import(const Import&) = delete;
  Import& operator=(const Import&) = delete;

  // Any cut of the stream. false: stopped (stop_on_error, or the header is none).
  bool feed(std::string_view bytes);
  // The last line, and everything under way. `whole` false: the stream broke off, so a last line
  // without its end is dropped and the import counts as stopped.
  void finish(bool whole = true);

  const std::vector<LineError>& errors() const { return errors_; }
  bool stopped() const { return stopped_; }
  // Nothing was taken: why the stream as a whole is none.
  const std::string& refusal() const { return refusal_; }

  // {created, updated, unchanged, failed, lines, stopped, errors: [{line, why}]}
  std::string summary_json() const;
  static std::string progress_json(const ImportProgress& progress);

 private:
  enum class Step : std::uint8_t { account, owner, wallet, subscriber, bucket, product, undo };
  struct Row;
  struct Completion {
    Row* row;
    shard::OperatorResult result;
    Slot account;
    Slot subscriber;
    std::uint8_t fresh;      // bit per identity of the line: it was not published before
    bool published;
  };

  void take_line(std::string_view line);
  void start(Row& row);
  bool lock(Row& row);
  void unlock(Row& row);
  bool place(Row& row);                  // finds the account's Shard; false: the line failed
  void expect(const Row& row);
  void start_read();                     // rows_read_
  void next(Row& row);                   // the step after the present one
  void build(Row& row) const;            // its request
  void put_key(const Row& row, shard::OperatorRequest& request) const;
  void make_ready(Row& row);
  void submit_ready();
  void on_done(Row* row, const shard::OperatorReply& reply);  // control thread
  bool publish(const Row& row, const shard::OperatorReply& reply, std::uint8_t& fresh);
  void on_completion(const Completion& completion);
  void begin_undo(Row& row, const Completion& completion);
  void next_undo(Row& row);
  void fail(Row& row, std::string why);
  void finish_row(Row& row);
  void record_error(std::uint64_t line, std::string why);
  void pump(bool wait);                  // moves rows on; waits for a completion if asked
  std::string refusal_text(const Row& row, shard::OperatorResult result) const;

  ControlDoor& door_;
  const ImportOptions options_;
  ImportProgress& progress_;
  Names names_;
  CsvHeader header_;
  bool header_read_ = false;
  bool stopped_ = false;
  std::string refusal_;
  std::string partial_;                  // of a line whose end has not come
  bool partial_too_long_ = false;
  std::uint64_t line_number_ = 0;

  std::vector<std::unique_ptr<Row>> rows_;
  std::vector<Row*> free_rows_;
  std::vector<Row*> rows_read_;          // not started: their entries are being fetched
  std::vector<Errand*> ready_;           // rows with a Command to submit
  Table locks_;                          // key -> row index * keys_max + which of its keys
  std::size_t submitted_ = 0;            // Commands without an answer
  std::uint32_t refused_turns_ = 0;
  std::vector<LineError> errors_;

  std::mutex completed_mutex_;           // guards completed_, waiting_, wake_at_
  bool waiting_ = false;                 // pump() sleeps until
  std::size_t wake_at_ = 1;              // so many are completed
  std::condition_variable completed_ready_;
  std::vector<Completion> completed_;
  std::vector<Completion> taken_;
};

}  // namespace levy::admin
