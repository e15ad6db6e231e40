// TLS of the HTTP door: the server with its certificate, and the name in a client's.
// Core: admin threads. Allocates: yes. Blocks: reads files. Clock: none.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "engine/admin/api.hpp"

namespace httplib {
class Server;
struct Request;
}  // namespace httplib

namespace levy::admin {

enum class Lost;

// A guarded server (guarded.hpp) that speaks TLS 1.2 and newer; null, and why.
std::unique_ptr<httplib::Server> tls_server(const TlsFiles& files, std::function<void(Lost)> lost,
                                            std::string& why);

// The common name of the certificate that the client has shown, and that `client_ca` vouches for:
// empty where that is no caller's name. nullopt: it showed none.
std::optional<std::string> certificate_name(const httplib::Request& request);

}  // namespace levy::admin
