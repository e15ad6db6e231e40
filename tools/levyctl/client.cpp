// HTTP over the admin socket, or TCP (see client.hpp).
// Core: none. Allocates: yes. Blocks: yes. Clock: none.
#include "tools/levyctl/client.hpp"

#include <httplib.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace levyctl {

namespace {

using Connection = std::unique_ptr<httplib::ClientImpl>;

struct Url {
  bool tls = false;
  std::string host;
  int port = 0;
};

// false: it is none.
bool parse_url(std::string_view text, Url& url) {
  constexpr std::string_view plain = "http://", secure = "https://";
  url.tls = text.starts_with(secure);
  if (!url.tls && !text.starts_with(plain)) return false;
  text.remove_prefix(url.tls ? secure.size() : plain.size());
  while (text.ends_with('/')) text.remove_suffix(1);
  const bool bracketed = text.starts_with('[');
  const std::size_t end = bracketed ? text.find(']') : text.find(':');
  if (end == std::string_view::npos) return false;
  url.host = text.substr(bracketed ? 1 : 0, end - (bracketed ? 1 : 0));
  text.remove_prefix(bracketed ? end + 1 : end);
  if (text.size() < 2 || text.size() > 6 || text.front() != ':' || url.host.empty()) return false;
  for (const char c : text.substr(1)) {
    if (c < '0' || c > '9') return false;
    url.port = url.port * 10 + (c - '0');
  }
  return url.port > 0 && url.port < 65536 && url.host.find('/') == std::string::npos;
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

// The first line of the file; `why` where it has none.
std::string read_token(const std::string& path, std::string& why) {
  std::ifstream file(path);
  std::string token;
  if (!file || !std::getline(file, token)) {
    why = path + ": " + (file.eof() ? "the file is empty" : std::strerror(errno));
    return {};
  }
  while (!token.empty() && (token.back() == '\r' || token.back() == ' ')) token.pop_back();
  if (token.empty()) why = path + ": its first line is no token";
  return token;
}

Connection over_tcp(const Place& place, std::string& why) {
  Url url;
  if (!parse_url(place.url, url)) {
    why = place.url + ": write it as https://HOST:PORT or http://HOST:PORT";
    return nullptr;
  }
  if (!url.tls && !(place.cacert + place.cert + place.key).empty()) {
    why = place.url + ": certificates need https://";
    return nullptr;
  }
  const std::string token = place.token_file.empty() ? "" : read_token(place.token_file, why);
  if (!token.empty() && !url.tls && !is_loopback(url.host) && !place.plaintext_token)
    why = place.url +
          ": the token would cross the network in clear; use https://, or say "
          "--plaintext-token";
  if (!why.empty()) return nullptr;
  if (!url.tls) {
    auto client = std::make_unique<httplib::ClientImpl>(url.host, url.port);
    if (!token.empty()) client->set_bearer_token_auth(token);
    return client;
  }
  auto client = std::make_unique<httplib::SSLClient>(url.host, url.port, place.cert, place.key);
  if (!client->is_valid()) {
    why = place.cert + ", " + place.key + ": no certificate and its key (PEM)";
    return nullptr;
  }
  if (!place.cacert.empty()) {
    if (::access(place.cacert.c_str(), R_OK) != 0) {
      why = place.cacert + ": " + std::strerror(errno);
      return nullptr;
    }
    client->set_ca_cert_path(place.cacert);
  }
  if (!token.empty()) client->set_bearer_token_auth(token);
  return client;
}

// null, and why.
Connection connection(const Place& place, std::string& why, int read_timeout_seconds = 60) {
  Connection client;
  if (place.url.empty()) {
    client = std::make_unique<httplib::ClientImpl>(place.socket, 80);
    client->set_address_family(AF_UNIX);
    client->set_default_headers({{"Host", "localhost"}});
  } else {
    client = over_tcp(place, why);
  }
  if (client == nullptr) return nullptr;
  client->set_connection_timeout(5);
  client->set_read_timeout(read_timeout_seconds);
  client->set_write_timeout(60);
  return client;
}

Reply wrong_place(const std::string& why) {
  Reply reply;
  reply.usage = true;
  reply.why = why;
  return reply;
}

Reply reply_of(const httplib::Result& result, const Place& place) {
  Reply reply;
  if (!result) {
    const int error = errno;
    const bool local = place.url.empty();
    reply.why = "cannot reach the daemon at " + (local ? place.socket : place.url) + ": " +
                (result.error() == httplib::Error::Connection && error != 0
                     ? std::string(std::strerror(error))
                     : httplib::to_string(result.error())) +
                (local ? "; is levyd running? Name its socket by --socket or LEVY_SOCKET"
                       : "; is levyd running, and admin.http on? For https: --cacert FILE");
    return reply;
  }
  reply.reached = true;
  reply.status = result->status;
  reply.body = result->body;
  return reply;
}

}  // namespace

Reply Client::get(const std::string& route) const {
  std::string why;
  const Connection client = connection(place_, why);
  return client ? reply_of(client->Get(route), place_) : wrong_place(why);
}

Reply Client::post(const std::string& route, const std::string& json) const {
  std::string why;
  const Connection client = connection(place_, why);
  if (!client) return wrong_place(why);
  return reply_of(client->Post(route, json, "application/json"), place_);
}

Reply Client::remove(const std::string& route, const std::string& json) const {
  std::string why;
  const Connection client = connection(place_, why);
  if (!client) return wrong_place(why);
  return reply_of(client->Delete(route, json, "application/json"), place_);
}

Reply Client::upload(const std::string& route, std::function<bool(std::string&)> next) const {
  constexpr int import_seconds_max = 24 * 3600;
  std::string why;
  const Connection client = connection(place_, why, import_seconds_max);
  if (!client) return wrong_place(why);
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
  return reply_of(client->Post(route, provide, "text/plain"), place_);
}

Reply Client::stream(const std::string& route,
                     std::function<bool(const char*, std::size_t)> take) const {
  std::string why;
  const Connection client = connection(place_, why);
  if (!client) return wrong_place(why);
  httplib::Request request;
  request.method = "POST";
  request.path = route;
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
  const httplib::Result result = client->send(request);
  if (!result && !left) return reply_of(result, place_);
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
