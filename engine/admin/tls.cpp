// TLS of the HTTP door (see tls.hpp).
// Core: admin threads. Allocates: yes. Blocks: reads files. Clock: system, in OpenSSL.
#include "engine/admin/tls.hpp"

#include <httplib.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include "engine/admin/access.hpp"

namespace levy::admin {

namespace {

std::string openssl_text() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  char text[256] = "unknown";
  if (code != 0) ERR_error_string_n(code, text, sizeof text);
  return text;
}

// An encrypted key is a fault: nobody is there to say its password.
int no_password(char*, int, int, void*) {
  return 0;
}

std::string set_up(SSL_CTX& context, const TlsFiles& files) {
  SSL_CTX_set_mode(&context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_default_passwd_cb(&context, no_password);
  SSL_CTX_set_options(&context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  // A session that is resumed would not show its certificate again.
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(&context, SSL_OP_NO_TICKET);
  if (SSL_CTX_set_min_proto_version(&context, TLS1_2_VERSION) != 1) return openssl_text();
  if (SSL_CTX_use_certificate_chain_file(&context, files.certificate.c_str()) != 1)
    return files.certificate + ": " + openssl_text();
  struct stat status {};
  if (::stat(files.key.c_str(), &status) == 0 && (status.st_mode & S_IRWXO) != 0)
    return files.key + ": others may read it: chmod 640 " + files.key;
  if (SSL_CTX_use_PrivateKey_file(&context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    const bool other = ERR_GET_REASON(ERR_peek_error()) == X509_R_KEY_VALUES_MISMATCH;
    const std::string text = openssl_text();
    return files.key + ": " + (other ? "this is not the key of " + files.certificate : text);
  }
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

std::string TlsBook::read(TlsContext& fresh) const {
  if (!on()) return {};
  ERR_clear_error();
  TlsContext context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (context == nullptr) return openssl_text();
  std::string why = set_up(*context, files_);
  if (why.empty()) fresh = std::move(context);
  return why;
}

void TlsBook::take(TlsContext fresh) {
  const std::lock_guard lock(mutex_);
  context_ = std::move(fresh);
}

TlsContext TlsBook::current() const {
  const std::lock_guard lock(mutex_);
  return context_;
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
