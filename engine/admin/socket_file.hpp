// The file of a Unix socket: taken from a dead daemon, left to a live one.
// Core: control, at start and stop. Allocates: text. Blocks: connect to a local socket. Clock:
// none.
#pragma once

#include <functional>
#include <string>

namespace levy::admin {

// Removes the socket that a dead daemon left. Empty, or why the path cannot be had.
std::string claim_socket_file(const std::string& path);
// Runs `bind` so that the file it makes has mode 0600. At start-up: the mask is the whole
// process's.
bool with_private_mask(const std::function<bool()>& bind);
void remove_socket_file(const std::string& path);
std::string last_error_text();

}  // namespace levy::admin
