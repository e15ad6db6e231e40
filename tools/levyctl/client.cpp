// The admin socket over HTTP (see client.hpp).
// Core: none. Allocates: yes. Blocks: yes. Clock: none.
#include "tools/levyctl/client.hpp"

#include <httplib.h>

#include <cerrno>
#include <cstring>

#include <cctype>

namespace levyctl {

namespace {

httplib::Client connection(const std::string& path, int read_timeout_seconds = 60) {
  httplib::Client client(path, 80);
  client.set_address_family(AF_UNIX);
  client.set_default_headers({{"Host", "localhost"}});
  client.set_connection_timeout(5);
  client.set_read_timeout(read_timeout_seconds);
  client.set_write_timeout(60);
  return client;
}

Reply reply_of(const httplib::Result& result, const std::string& path) {
  Reply reply;
  if (!result) {
    const int error = errno;
    reply.why = "cannot reach the daemon at " + path + ": " +
                (result.error() == httplib::Error::Connection && error != 0
                     ? std::string(std::strerror(error))
                     : httplib::to_string(result.error())) +
                "; is levyd running? Name its socket by --socket or LEVY_SOCKET";
    return reply;
  }
  reply.reached = true;
  reply.status = result->status;
  reply.body = result->body;
  return reply;
}

}  // namespace

Reply Client::get(const std::string& route) const {
  return reply_of(connection(path_).Get(route), path_);
}

Reply Client::post(const std::string& route, const std::string& json) const {
  return reply_of(connection(path_).Post(route, json, "application/json"), path_);
}

Reply Client::remove(const std::string& route) const {
  return reply_of(connection(path_).Delete(route), path_);
}

Reply Client::upload(const std::string& route, std::function<bool(std::string&)> next) const {
  constexpr int import_seconds_max = 24 * 3600;
  httplib::Client client = connection(path_, import_seconds_max);
  std::string part;
  const auto provide = [&](std::size_t, httplib::DataSink& sink) {
    part.clear();
    if (!next(part)) return false;
    if (part.empty()) {
      sink.done();
      return true;
    }
    return sink.write(part.data(), part.size());
  };
  return reply_of(client.Post(route, provide, "text/plain"), path_);
}

Reply Client::stream(const std::string& route,
                     std::function<bool(const char*, std::size_t)> take) const {
  httplib::Client client = connection(path_);
  httplib::Request request;
  request.method = "POST";
  request.path = route;
  request.set_header("Content-Length", "0");
  int status = 0;
  std::string refusal;
  bool left = false;  // by our own choice
  request.response_handler = [&](const httplib::Response& response) {
    status = response.status;
    return true;
  };
  request.content_receiver = [&](const char* part, std::size_t size, std::uint64_t, std::uint64_t) {
    if (status != 200) {
      refusal.append(part, size);
      return true;
    }
    left = !take(part, size);
    return !left;
  };
  const httplib::Result result = client.send(request);
  if (!result && !left) return reply_of(result, path_);
  Reply reply;
  reply.reached = true;
  reply.status = status;
  reply.body = refusal;
  return reply;
}

std::string escaped(const std::string& text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || std::string_view("-._~:@").find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

}  // namespace levyctl
