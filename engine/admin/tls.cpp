// TLS of the HTTP door (see tls.hpp).
// Core: admin threads. Allocates: yes. Blocks: reads files. Clock: system, in OpenSSL.
#include "engine/admin/tls.hpp"

#include <httplib.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "engine/admin/access.hpp"
#include "engine/admin/guarded.hpp"

namespace levy::admin {

namespace {

std::string openssl_text() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  char text[256] = "unknown";
  if (code != 0) ERR_error_string_n(code, text, sizeof text);
  return text;
}

std::string set_up(SSL_CTX& context, const TlsFiles& files) {
  ERR_clear_error();
  SSL_CTX_set_options(&context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  // A session that is resumed would not show its certificate again.
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(&context, SSL_OP_NO_TICKET);
  if (SSL_CTX_set_min_proto_version(&context, TLS1_2_VERSION) != 1) return openssl_text();
  if (SSL_CTX_use_certificate_chain_file(&context, files.certificate.c_str()) != 1)
    return files.certificate + ": " + openssl_text();
  if (SSL_CTX_use_PrivateKey_file(&context, files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return files.key + ": " + openssl_text();
  if (SSL_CTX_check_private_key(&context) != 1)
    return files.key + ": this is not the key of " + files.certificate;
  if (files.client_ca.empty()) return {};
  if (SSL_CTX_load_verify_locations(&context, files.client_ca.c_str(), nullptr) != 1)
    return files.client_ca + ": " + openssl_text();
  SSL_CTX_set_client_CA_list(&context, SSL_load_client_CA_file(files.client_ca.c_str()));
  // A client without a certificate is let in: it may look at the health, or have a token. One
  // whose certificate the CA does not vouch for is not.
  SSL_CTX_set_verify(&context, SSL_VERIFY_PEER, nullptr);
  return {};
}

}  // namespace

std::unique_ptr<httplib::Server> tls_server(const TlsFiles& files, std::function<void(Lost)> lost,
                                            std::string& why) {
  const std::function<bool(SSL_CTX&)> prepare = [&](SSL_CTX& context) {
    why = set_up(context, files);
    return why.empty();
  };
  auto server = std::make_unique<Guarded<httplib::SSLServer>>(std::move(lost), prepare);
  if (!why.empty()) return nullptr;
  if (server->is_valid()) return server;
  why = "TLS: " + openssl_text();
  return nullptr;
}

std::optional<std::string> certificate_name(const httplib::Request& request) {
  if (request.ssl == nullptr) return std::nullopt;
  X509* const certificate = SSL_get1_peer_certificate(request.ssl);
  if (certificate == nullptr) return std::nullopt;
  std::string name;
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  // Two names are none: nobody could tell which one is meant.
  if (SSL_get_verify_result(request.ssl) == X509_V_OK && at >= 0 &&
      X509_NAME_get_index_by_NID(subject, NID_commonName, at) < 0) {
    unsigned char* text = nullptr;
    const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    const int size = ASN1_STRING_to_UTF8(&text, value);
    if (size > 0) name.assign(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
    OPENSSL_free(text);
  }
  X509_free(certificate);
  if (!is_caller_name(name)) name.clear();
  return name;
}

}  // namespace levy::admin
