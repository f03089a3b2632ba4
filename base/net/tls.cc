#include "base/net/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <utility>

#include "base/files.h"
#include "base/free_with.h"
#include "base/net/socket.h"
#include "base/net/tls_errors.h"
#include "base/net/tls_socket.h"
#include "base/net/tls_suites.h"

namespace proconsul::base::net {
namespace {

SSL_CTX* native(void* context) {
  return static_cast<SSL_CTX*>(context);
}
SSL* ssl(void* stream) {
  return static_cast<SSL*>(stream);
}

std::string last_error() {
  std::string text;
  while (const unsigned long code = ERR_get_error()) {
    char line[256];
    ERR_error_string_n(code, line, sizeof line);
    if (!text.empty()) text += "; ";
    text += line;
  }
  return text.empty() ? "connection reset" : text;
}

int version_of(const std::string& name) {
  if (name == "TLSv1_0") return TLS1_VERSION;
  if (name == "TLSv1_1") return TLS1_1_VERSION;
  if (name == "TLSv1_3") return TLS1_3_VERSION;
  return TLS1_2_VERSION;
}

/// What is left of others would be taken for the next call's error. Clearing costs more than a look.
void clear_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

using ContextPtr = std::unique_ptr<SSL_CTX, decltype([](SSL_CTX* context) { SSL_CTX_free(context); })>;

/// A certificate with what stands behind it, and its key, from texts.
Result<> use_pair(SSL_CTX* ctx, const TlsPair& pair) {
  constexpr std::size_t kMost = 1 << 20;
  using Text = std::unique_ptr<BIO, FreeWith<BIO_free>>;
  using Certificate = std::unique_ptr<X509, FreeWith<X509_free>>;
  using Key = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
  bool used = pair.certificate.size() <= kMost && pair.key.size() <= kMost;
  if (used) {
    const Text chain(BIO_new_mem_buf(pair.certificate.data(), static_cast<int>(pair.certificate.size())));
    const Text key_text(BIO_new_mem_buf(pair.key.data(), static_cast<int>(pair.key.size())));
    const Certificate first(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
    used = first && SSL_CTX_use_certificate(ctx, first.get()) == 1;
    while (used) {
      const Certificate next(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
      if (!next) break;
      used = SSL_CTX_add1_chain_cert(ctx, next.get()) == 1;
    }
    const Key key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
    used = used && key && SSL_CTX_use_PrivateKey(ctx, key.get()) == 1 && SSL_CTX_check_private_key(ctx) == 1;
  }
  if (!used) return {Errc::invalid_argument, "Failed to load cert/key pair: " + last_error()};
  ERR_clear_error();  // the end of the text counts as an error
  return {};
}

/// What both ends have in common. A server without a certificate can shake nobody's hand.
Result<ContextPtr> common_context(const TlsSettings& settings, const SSL_METHOD* method) {
  ContextPtr context(SSL_CTX_new(method));
  SSL_CTX* ctx = context.get();
  if (!ctx) return Error{Errc::internal, "TLS: " + last_error()};
  SSL_CTX_set_min_proto_version(ctx, version_of(settings.min_version));
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_COMPRESSION);
  // An idle connection then holds no record buffers, and a partial write may go on from a moved buffer.
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Clusters have certificates of RSA 1024; what is older than TLS 1.2 is signed in ways that only level 0 takes.
  SSL_CTX_set_security_level(ctx, version_of(settings.min_version) < TLS1_2_VERSION ? 0 : 1);
  if (!set_suites(ctx, settings.cipher_suites)) {
    return Error{Errc::invalid_argument, "TLS cipher suites: " + last_error()};
  }
  if (settings.cert_file.empty() && settings.key_file.empty()) return context;
  if (SSL_CTX_use_certificate_chain_file(ctx, settings.cert_file.c_str()) != 1) {
    return Error{Errc::invalid_argument, "Failed to load cert/key pair: " + settings.cert_file + ": " + last_error()};
  }
  if (SSL_CTX_use_PrivateKey_file(ctx, settings.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(ctx) != 1) {
    return Error{Errc::invalid_argument, "Failed to load cert/key pair: " + settings.key_file + ": " + last_error()};
  }
  return context;
}

/// Adds every certificate of a PEM text to the trusted ones.
Result<> trust_pem(SSL_CTX* ctx, const std::string& pem) {
  constexpr std::size_t kMost = 1 << 20;
  int count = 0;
  if (pem.size() <= kMost) {
    BIO* text = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    while (X509* certificate = PEM_read_bio_X509(text, nullptr, nullptr, nullptr)) {
      count += X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), certificate);
      X509_free(certificate);
    }
    BIO_free(text);
    ERR_clear_error();  // the end of the text counts as an error
  }
  if (count == 0) return {Errc::invalid_argument, "could not parse CA PEM value successfully"};
  // Whatever is called trusted is trusted, as with Go: also an intermediate authority alone.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
  return {};
}

/// Of every file in the folder and below.
Result<> trust_folder(SSL_CTX* ctx, const std::string& folder) {
  constexpr std::size_t kMost = 1 << 20;
  std::error_code error;
  std::filesystem::recursive_directory_iterator files(folder, error);
  if (error) return {Errc::invalid_argument, "lstat " + folder + ": " + errno_text(error.value())};
  int count = 0;
  for (; files != std::filesystem::recursive_directory_iterator(); files.increment(error)) {
    if (files->is_directory(error)) continue;
    const std::string path = files->path();
    const Result<std::string> pem = read_file(path, kMost);
    if (!pem) return {Errc::invalid_argument, "Error loading from " + path + ": " + pem.error().detail};
    if (!trust_pem(ctx, *pem)) return {Errc::invalid_argument, "failed to parse PEM of " + path};
    ++count;
  }
  if (error) return {Errc::invalid_argument, "Error loading from CAPath: " + errno_text(error.value())};
  if (count == 0) return {Errc::invalid_argument, "Error loading from CAPath: no CAs found"};
  return {};
}

Result<> load_authorities(SSL_CTX* ctx, const TlsSettings& settings) {
  if (!settings.ca_pem.empty()) {
    if (Result<> trusted = trust_pem(ctx, settings.ca_pem); !trusted) return trusted;
  }
  if (settings.ca_file.empty()) return settings.ca_path.empty() ? Result<>() : trust_folder(ctx, settings.ca_path);
  if (SSL_CTX_load_verify_locations(ctx, settings.ca_file.c_str(), nullptr) == 1) return {};
  return {Errc::invalid_argument, "Error loading CA: " + last_error()};
}

int protocols_slot() {
  static const int kSlot = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr,
      [](void*, void* list, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<std::string*>(list); });
  return kSlot;
}

/// What is shown to who asks for a name.
struct Named {
  std::string name;
  ContextPtr context;
};

int named_slot() {
  static const int kSlot = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr,
      [](void*, void* named, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Named*>(named); });
  return kSlot;
}

/// Set in a context that is shown by name.
int shown_slot() {
  static const int kSlot = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return kSlot;
}

int show_by_name(SSL* stream, int*, void* argument) {
  const auto& named = *static_cast<const Named*>(argument);
  const char* asked = SSL_get_servername(stream, TLSEXT_NAMETYPE_host_name);
  if (asked == nullptr || named.name != asked) return SSL_TLSEXT_ERR_OK;
  SSL_set_SSL_CTX(stream, named.context.get());
  SSL_set_verify(stream, SSL_VERIFY_NONE, nullptr);
  // No session that another connection could go on with, where certificates are asked for.
  SSL_set_num_tickets(stream, 0);
  SSL_set_options(stream, SSL_OP_NO_TICKET);
  return SSL_TLSEXT_ERR_OK;
}

/// As Go does: who offers nothing that is spoken here gets an alert.
int select_protocol(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered,
                    unsigned offered_size, void* list) {
  const auto& ours = *static_cast<const std::string*>(list);
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, size, reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned>(ours.size()), offered, offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

/// `shown`: in place of the settings' files.
Result<ContextPtr> server_context(const TlsSettings& settings, const TlsPair* shown = nullptr) {
  TlsSettings without_files = settings;
  without_files.cert_file.clear();
  without_files.key_file.clear();
  Result<ContextPtr> context = common_context(shown ? without_files : settings, TLS_server_method());
  if (!context) return context;
  SSL_CTX* ctx = context->get();
  if (shown) {
    if (Result<> used = use_pair(ctx, *shown); !used) return used.error();
  }
  if (Result<> loaded = load_authorities(ctx, settings); !loaded) return loaded.error();
  if (!settings.ca_file.empty()) {
    SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(settings.ca_file.c_str()));
  }
  if (settings.verify_incoming) {
    if (settings.ca_file.empty() && settings.ca_path.empty() && settings.ca_pem.empty()) {
      return Error{Errc::invalid_argument, "VerifyIncoming set but no CA certificates were provided"};
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  if (!settings.protocols.empty()) {
    // The context keeps the list, and frees it.
    auto* protocols = new std::string(settings.protocols);
    SSL_CTX_set_ex_data(ctx, protocols_slot(), protocols);
    SSL_CTX_set_alpn_select_cb(ctx, select_protocol, protocols);
  }
  SSL_CTX_set_num_tickets(ctx, 1);  // as Go does
  SSL_CTX_set_session_id_context(ctx, reinterpret_cast<const unsigned char*>("proconsul"), 9);
  return context;
}

/// Set in a context that has yet to read the system's authorities.
int authorities_slot() {
  static const int kSlot = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return kSlot;
}

/// The system's authorities are more than a hundred certificates: they are read for the first connection.
Result<ContextPtr> client_context(const TlsSettings& settings) {
  static char yes = 1;
  Result<ContextPtr> context = common_context(settings, TLS_client_method());
  if (!context) return context;
  if (Result<> loaded = load_authorities(context->get(), settings); !loaded) return loaded.error();
  if (settings.ca_file.empty() && settings.ca_path.empty() && settings.ca_pem.empty()) {
    SSL_CTX_set_ex_data(context->get(), authorities_slot(), &yes);
  }
  return context;
}

}  // namespace

Result<std::shared_ptr<TlsContext>> TlsContext::server(const TlsSettings& settings) {
  Result<ContextPtr> context = server_context(settings);
  if (!context) return context.error();
  return std::shared_ptr<TlsContext>(new TlsContext(context->release()));
}

Result<std::shared_ptr<TlsContext>> TlsContext::server(const TlsSettings& settings, const TlsPair& shown) {
  Result<ContextPtr> context = server_context(settings, &shown);
  if (!context) return context.error();
  return std::shared_ptr<TlsContext>(new TlsContext(context->release()));
}

Result<std::shared_ptr<TlsContext>> TlsContext::client(const TlsSettings& settings) {
  Result<ContextPtr> context = client_context(settings);
  if (!context) return context.error();
  return std::shared_ptr<TlsContext>(new TlsContext(context->release()));
}

Result<std::shared_ptr<TlsContext>> TlsContext::client(const TlsSettings& settings, const TlsPair& shown) {
  TlsSettings without_files = settings;
  without_files.cert_file.clear();
  without_files.key_file.clear();
  Result<ContextPtr> context = client_context(without_files);
  if (!context) return context.error();
  if (Result<> used = use_pair(context->get(), shown); !used) return used.error();
  return std::shared_ptr<TlsContext>(new TlsContext(context->release()));
}

Result<> TlsContext::show_to(const std::string& name, const TlsPair& shown) {
  ContextPtr other(SSL_CTX_new(TLS_server_method()));
  if (!other) return {Errc::internal, "TLS: " + last_error()};
  if (Result<> used = use_pair(other.get(), shown); !used) return used;
  SSL_CTX* ctx = native(context_);
  SSL_CTX_set_ex_data(other.get(), shown_slot(), other.get());
  // Of what a context does after the hello, this is all that it does not share.
  if (auto* protocols = static_cast<std::string*>(SSL_CTX_get_ex_data(ctx, protocols_slot()))) {
    auto* copy = new std::string(*protocols);
    SSL_CTX_set_ex_data(other.get(), protocols_slot(), copy);
    SSL_CTX_set_alpn_select_cb(other.get(), select_protocol, copy);
  }
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  auto* named = new Named{name, std::move(other)};
  SSL_CTX_set_ex_data(ctx, named_slot(), named);
  SSL_CTX_set_tlsext_servername_arg(ctx, named);
  SSL_CTX_set_tlsext_servername_callback(ctx, show_by_name);
  return {};
}

Result<> TlsContext::reload(const TlsSettings& settings) {
  bool is_client = false;
  {
    const std::lock_guard lock(mutex_);
    is_client = SSL_CTX_get_ssl_method(native(context_)) == TLS_client_method();
  }
  Result<ContextPtr> fresh = is_client ? client_context(settings) : server_context(settings);
  if (!fresh) return fresh.error();
  const std::lock_guard lock(mutex_);
  const ContextPtr old(
      native(std::exchange(context_, fresh->release())));  // its connections hold it as long as they need it
  return {};
}

TlsContext::~TlsContext() {
  SSL_CTX_free(native(context_));
}

void* TlsContext::new_stream() const {
  const std::lock_guard lock(mutex_);
  SSL_CTX* ctx = native(context_);
  if (SSL_CTX_get_ex_data(ctx, authorities_slot()) != nullptr) {
    SSL_CTX_set_ex_data(ctx, authorities_slot(), nullptr);
    SSL_CTX_set_default_verify_paths(ctx);
  }
  return SSL_new(ctx);
}

TlsStream::TlsStream(std::shared_ptr<TlsContext> context, int fd) : context_(std::move(context)) {
  stream_ = context_->new_stream();
  use_socket(ssl(stream_), fd);
  SSL_set_accept_state(ssl(stream_));
}

TlsStream::TlsStream(std::shared_ptr<TlsContext> context, int fd, TlsPeer peer)
    : context_(std::move(context)), peer_(std::move(peer)), is_client_(true) {
  stream_ = context_->new_stream();
  SSL* stream = ssl(stream_);
  use_socket(stream, fd);
  SSL_set_connect_state(stream);
  in6_addr address{};
  const bool is_address = ::inet_pton(AF_INET, peer_.name.c_str(), &address) == 1 ||
                          ::inet_pton(AF_INET6, peer_.name.c_str(), &address) == 1;
  if (!is_address) SSL_set_tlsext_host_name(stream, peer_.name.c_str());
  if (!peer_.protocols.empty()) {
    SSL_set_alpn_protos(stream, reinterpret_cast<const unsigned char*>(peer_.protocols.data()),
                        static_cast<unsigned>(peer_.protocols.size()));
  }
  SSL_set_verify(stream, peer_.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                 peer_.verify ? remember_refused_certificate : nullptr);
  if (!peer_.verify || !peer_.verify_name) {
    // Whoever answers, or everybody whom the CA knows, is taken.
  } else if (is_address) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(stream), peer_.name.c_str());
  } else {
    SSL_set1_host(stream, peer_.name.c_str());
  }
}

TlsStream::~TlsStream() {
  SSL_free(ssl(stream_));
}

TlsStream::Progress TlsStream::outcome(int result) {
  if (result > 0) return {static_cast<std::size_t>(result), Need::none};
  switch (SSL_get_error(ssl(stream_), result)) {
    case SSL_ERROR_WANT_READ:
      return {0, Need::read};
    case SSL_ERROR_WANT_WRITE:
      return {0, Need::write};
    case SSL_ERROR_ZERO_RETURN:
      return {0, Need::closed};
    case SSL_ERROR_SYSCALL:
      reason_ = is_client_ ? errno != 0 ? errno_text(errno) : "EOF" : last_error();
      return {0, Need::failed};
    default:
      reason_ = verification_text(ssl(stream_), peer_.name);
      if (reason_.empty()) reason_ = tls_error_text(ERR_peek_error());
      ERR_clear_error();
      return {0, Need::failed};
  }
}

bool TlsStream::was_shown_by_name() const {
  return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl(stream_)), shown_slot()) != nullptr;
}

std::string_view TlsStream::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl(stream_), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

bool TlsStream::is_fit_for_h2() const {
  // Without ephemeral keys there is none here at all (set_suites()), unless it was asked for by name.
  const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl(stream_));
  return SSL_version(ssl(stream_)) >= TLS1_3_VERSION ||
         (SSL_CIPHER_is_aead(cipher) == 1 && SSL_CIPHER_get_kx_nid(cipher) == NID_kx_ecdhe);
}

Result<> TlsStream::check_peer_name(const std::string& name) const {
  const std::unique_ptr<X509, decltype([](X509* held) { X509_free(held); })> certificate(
      SSL_get1_peer_certificate(ssl(stream_)));
  if (!certificate) return {Errc::permission_denied, "the peer shows no certificate"};
  if (X509_check_host(certificate.get(), name.data(), name.size(), 0, nullptr) == 1) return {};
  return {Errc::permission_denied, "the peer's certificate is not for " + name};
}

Result<> TlsStream::check_peer_chain(const TlsSettings& trusted) const {
  const std::unique_ptr<X509, FreeWith<X509_free>> certificate(SSL_get1_peer_certificate(ssl(stream_)));
  if (!certificate) return {Errc::permission_denied, "the peer shows no certificate"};
  const std::unique_ptr<X509_STORE, FreeWith<X509_STORE_free>> store(X509_STORE_new());
  const char* file = trusted.ca_file.empty() ? nullptr : trusted.ca_file.c_str();
  const char* path = trusted.ca_path.empty() ? nullptr : trusted.ca_path.c_str();
  if (X509_STORE_load_locations(store.get(), file, path) != 1) {
    return {Errc::permission_denied, "Error loading CA: " + last_error()};
  }
  const std::unique_ptr<X509_STORE_CTX, FreeWith<X509_STORE_CTX_free>> check(X509_STORE_CTX_new());
  X509_STORE_CTX_init(check.get(), store.get(), certificate.get(), SSL_get_peer_cert_chain(ssl(stream_)));
  X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(check.get()), X509_V_FLAG_PARTIAL_CHAIN);
  const bool good = X509_verify_cert(check.get()) == 1;
  ERR_clear_error();
  if (good) return {};
  return {Errc::permission_denied, "the peer's certificate is not signed by an authority of the servers"};
}

TlsStream::Progress TlsStream::handshake() {
  clear_errors();
  return outcome(SSL_do_handshake(ssl(stream_)));
}

TlsStream::Progress TlsStream::read(char* data, std::size_t size) {
  clear_errors();
  return outcome(SSL_read(ssl(stream_), data, static_cast<int>(std::min<std::size_t>(size, 1 << 30))));
}

void TlsStream::read_ahead() {
  SSL_set_read_ahead(ssl(stream_), 1);
}

bool TlsStream::holds_bytes() const {
  return SSL_has_pending(ssl(stream_)) == 1;
}

TlsStream::Progress TlsStream::write(std::string_view data) {
  clear_errors();
  return outcome(SSL_write(ssl(stream_), data.data(), static_cast<int>(std::min<std::size_t>(data.size(), 1 << 30))));
}

void TlsStream::shutdown() {
  ERR_clear_error();
  SSL_shutdown(ssl(stream_));
  ERR_clear_error();
}

}  // namespace proconsul::base::net
