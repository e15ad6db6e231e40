// FileStorage: see file_storage.hpp.
// Core: journal. Allocates: at open only. Blocks: never (the writer thread does). Clock: none.
#include "engine/journal/file_storage.hpp"

#include <liburing.h>
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

#include "engine/base/check.hpp"
#include "engine/base/ring.hpp"

namespace levy::journal {

// ---- io_uring ------------------------------------------------------------------------------

struct FileStorage::Uring {
  struct Entry {
    std::uint64_t tag = 0;
    std::size_t size = 0;
    bool busy = false;
  };

  ~Uring() {
    if (open) io_uring_queue_exit(&ring);
  }
  int setup(std::uint32_t queue_max);
  bool submit(int file, std::uint64_t offset, std::span<const std::byte> bytes, std::uint64_t tag);
  std::size_t poll(StorageCompletion* completions, std::size_t count_max);
  void push();

  io_uring ring{};
  bool open = false;
  bool waiting = false;  // the kernel has not taken everything yet
  int broken = 0;        // errno of a ring that takes nothing any more
  std::vector<Entry> entries;
};

int FileStorage::Uring::setup(std::uint32_t queue_max) {
  entries.resize(queue_max);
  const int result = io_uring_queue_init(queue_max, &ring, 0);
  open = result == 0;
  return -result;
}

void FileStorage::Uring::push() {
  const int result = io_uring_submit(&ring);
  waiting = io_uring_sq_ready(&ring) != 0;
  if (result < 0 && result != -EAGAIN && result != -EBUSY && result != -EINTR) broken = -result;
}

bool FileStorage::Uring::submit(int file, std::uint64_t offset, std::span<const std::byte> bytes,
                                std::uint64_t tag) {
  std::size_t index = 0;
  while (index < entries.size() && entries[index].busy) ++index;
  if (index == entries.size()) return false;
  io_uring_sqe* sqe = io_uring_get_sqe(&ring);
  if (sqe == nullptr) return false;
  entries[index] = {tag, bytes.size(), true};
  io_uring_prep_write(sqe, file, bytes.data(), static_cast<unsigned>(bytes.size()), offset);
  io_uring_sqe_set_data64(sqe, index);
  push();
  return true;
}

std::size_t FileStorage::Uring::poll(StorageCompletion* completions, std::size_t count_max) {
  if (waiting && broken == 0) push();
  std::size_t count = 0;
  io_uring_cqe* cqe = nullptr;
  while (count < count_max && io_uring_peek_cqe(&ring, &cqe) == 0) {
    Entry& entry = entries[io_uring_cqe_get_data64(cqe)];
    const int error = cqe->res < 0                                            ? -cqe->res
                      : static_cast<std::size_t>(cqe->res) != entry.size ? EIO
                                                                              : 0;
    completions[count++] = {entry.tag, error};
    entry.busy = false;
    io_uring_cqe_seen(&ring, cqe);
  }
  if (broken == 0) return count;
  for (Entry& entry : entries) {  // nothing can be known of these any more
    if (count == count_max || !entry.busy) continue;
    completions[count++] = {entry.tag, broken};
    entry.busy = false;
  }
  return count;
}

// ---- writer thread -------------------------------------------------------------------------

class FileStorage::Writer {
 public:
  explicit Writer(std::uint32_t queue_max)
      : requests_(queue_max), done_(queue_max), queue_max_(queue_max), thread_([this] { run(); }) {
    ::pthread_setname_np(thread_.native_handle(), "levy-writer");
  }
  ~Writer() {
    stop_.store(true);
    wake();
    thread_.join();
  }

  bool submit(int file, std::uint64_t offset, std::span<const std::byte> bytes,
              std::uint64_t tag) {
    if (taken_ == queue_max_) return false;
    if (!requests_.try_push({bytes.data(), bytes.size(), offset, tag, file})) return false;
    ++taken_;
    wake();
    return true;
  }

  std::size_t poll(StorageCompletion* completions, std::size_t count_max) {
    const std::size_t count = done_.pop(completions, count_max);
    taken_ -= count;
    return count;
  }

 private:
  struct Request {
    const std::byte* bytes = nullptr;
    std::size_t size = 0;
    std::uint64_t offset = 0;
    std::uint64_t tag = 0;
    int file = -1;
  };

  void wake() {
    bell_.fetch_add(1);
    bell_.notify_one();
  }
  void run();
  static int write(const Request& request);

  Ring<Request> requests_;
  Ring<StorageCompletion> done_;
  const std::size_t queue_max_;
  std::size_t taken_ = 0;  // of the journal core: bounds done_, so that it is never full
  std::atomic<std::uint32_t> bell_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

int FileStorage::Writer::write(const Request& request) {
  std::size_t written = 0;
  while (written < request.size) {
    const ssize_t put = ::pwrite(request.file, request.bytes + written, request.size - written,
                                 static_cast<off_t>(request.offset + written));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno;
    if (put == 0) return EIO;
    written += static_cast<std::size_t>(put);
  }
  return 0;
}

void FileStorage::Writer::run() {
  while (true) {
    const std::uint32_t seen = bell_.load();
    Request request;
    if (requests_.pop(&request, 1) == 1) {
      const bool pushed = done_.try_push({request.tag, write(request)});
      LEVY_CHECK(pushed, request.tag);
      continue;
    }
    if (stop_.load()) return;
    bell_.wait(seen);
  }
}

// ---- the door ------------------------------------------------------------------------------

FileStorage::FileStorage() = default;
FileStorage::~FileStorage() = default;

Failure FileStorage::open(const FileStorageOptions& options) {
  LEVY_CHECK(!uring_ && !writer_);
  LEVY_CHECK(options.queue_max >= 1);
  if (options.mode != WriteMode::thread) {
    auto uring = std::make_unique<Uring>();
    const int error = uring->setup(options.queue_max);
    if (error == 0) {
      uring_ = std::move(uring);
      mode_ = WriteMode::io_uring;
      return {};
    }
    const std::string reason = std::string("io_uring is not to be had: ") + std::strerror(error);
    if (options.mode == WriteMode::io_uring) return {error, reason};
    fallback_reason_ = reason;
  }
  writer_ = std::make_unique<Writer>(options.queue_max);
  mode_ = WriteMode::thread;
  return {};
}

bool FileStorage::submit(std::uint32_t file, std::uint64_t offset,
                         std::span<const std::byte> bytes, std::uint64_t tag) {
  const int descriptor = static_cast<int>(file);
  return uring_ ? uring_->submit(descriptor, offset, bytes, tag)
                : writer_->submit(descriptor, offset, bytes, tag);
}

std::size_t FileStorage::poll(StorageCompletion* completions, std::size_t count_max) {
  return uring_ ? uring_->poll(completions, count_max) : writer_->poll(completions, count_max);
}

}  // namespace levy::journal
