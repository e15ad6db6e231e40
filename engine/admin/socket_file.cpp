// Unix socket files (see socket_file.hpp).
// Core: control, at start and stop. Allocates: text. Blocks: connect to a local socket. Clock:
// none.
#include "engine/admin/socket_file.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace levy::admin {

std::string last_error_text() { return std::system_category().message(errno); }

std::string claim_socket_file(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return "the admin socket's path must have 1 to 107 bytes: \"" + path + "\"";
  }
  struct stat file {};
  if (::lstat(path.c_str(), &file) != 0) {
    return errno == ENOENT ? std::string{} : path + ": " + last_error_text();
  }
  if (!S_ISSOCK(file.st_mode)) return path + " exists and is no socket: it is not removed";
  path.copy(address.sun_path, path.size());
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return "socket: " + last_error_text();
  const int result = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = result == 0 ? 0 : errno;
  ::close(probe);
  // EAGAIN: its backlog is full, so it lives.
  if (error == 0 || error == EAGAIN) return path + ": another daemon answers there";
  if (error != ECONNREFUSED) return path + ": " + std::system_category().message(error);
  if (::unlink(path.c_str()) != 0) return path + ": " + last_error_text();
  return {};
}

bool with_private_mask(const std::function<bool()>& bind) {
  const mode_t before = ::umask(0177);
  const bool bound = bind();
  const int error = errno;
  ::umask(before);
  errno = error;
  return bound;
}

void remove_socket_file(const std::string& path) { ::unlink(path.c_str()); }

}  // namespace levy::admin
