// TLS of the HTTP door: its certificate and who vouches for clients, and the name in a client's.
// Core: admin threads. Allocates: yes. Blocks: reads files. Clock: none.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "engine/admin/api.hpp"

struct ssl_ctx_st;

namespace httplib {
struct Request;
}

namespace levy::admin {

using TlsContext = std::shared_ptr<ssl_ctx_st>;

// The files in force; a reload puts others in their place, connections that are open keep theirs.
class TlsBook {
 public:
  explicit TlsBook(TlsFiles files) : files_(std::move(files)) {}

  bool on() const { return !files_.certificate.empty(); }
  // Reads the files: TLS 1.2 and newer. Empty, or why not; nothing changes before take().
  std::string read(TlsContext& fresh) const;
  void take(TlsContext fresh);
  TlsContext current() const;  // null: plain HTTP

 private:
  const TlsFiles files_;
  mutable std::mutex mutex_;
  TlsContext context_;
};

// The common name of the certificate that the client has shown, and that `client_ca` vouches for:
// empty where that is no caller's name. nullopt: it showed none.
std::optional<std::string> certificate_name(const httplib::Request& request);

}  // namespace levy::admin
