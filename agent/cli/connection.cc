#include "agent/cli/connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <optional>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include "agent/cli/text.h"
#include "base/net/tls_errors.h"

namespace proconsul::agent::cli {
namespace {

namespace asio = boost::asio;
using base::Errc;
using base::Result;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;

constexpr int kDialTimeoutMs = 30'000;

struct HostPort {
  std::string host{};
  std::string port{};
};

HostPort split_host(const std::string& text, std::string_view default_port) {
  const std::size_t colon = text.rfind(':');
  const std::size_t bracket = text.rfind(']');
  const bool has_port = colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
  HostPort parts{text.substr(0, has_port ? colon : text.size()), has_port ? text.substr(colon + 1) : ""};
  if (parts.port.empty()) parts.port = default_port;
  if (parts.host.starts_with('[') && parts.host.ends_with(']'))
    parts.host = parts.host.substr(1, parts.host.size() - 2);
  return parts;
}

std::string address_text(const sockaddr* address, socklen_t size) {
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  if (::getnameinfo(address, size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return "";
  const bool v6 = address->sa_family == AF_INET6;
  return (v6 ? "[" : "") + std::string(host) + (v6 ? "]:" : ":") + port;
}

// Connects within the dial timeout; returns the descriptor (blocking again), or -1 with errno.
int connect_to(const sockaddr* address, socklen_t size, base::Interrupt* interrupt, int timeout_ms = kDialTimeoutMs) {
  const int fd = ::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  auto interruptible = std::make_unique<base::Interrupt::Socket>(interrupt, fd);
  int failure = ::connect(fd, address, size) == 0 ? 0 : errno;
  if (failure == EINPROGRESS) {
    pollfd waiting{.fd = fd, .events = POLLOUT, .revents = 0};
    int ready = 0;
    do ready = ::poll(&waiting, 1, timeout_ms);
    while (ready < 0 && errno == EINTR);
    socklen_t length = sizeof failure;
    if (ready == 0) {
      failure = ETIMEDOUT;
    } else {
      ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &length);
    }
  }
  if (failure == 0) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    return fd;
  }
  interruptible.reset();
  ::close(fd);
  errno = failure;
  return -1;
}

/// An agent whose machine is gone answers no blocking query, and says nothing of it.
void keep_alive(int fd) {
  const auto set = [fd](int level, int option, int value) { ::setsockopt(fd, level, option, &value, sizeof value); };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 15);
  set(IPPROTO_TCP, TCP_KEEPCNT, 9);
}

struct Dialed {
  int fd{-1};
  int family{};
  std::string peer{};
};

Result<Dialed> dial_unix(const std::string& path, base::Interrupt* interrupt) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return {Errc::invalid_argument, "dial unix " + path + ": invalid argument"};
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = connect_to(reinterpret_cast<sockaddr*>(&address), sizeof address, interrupt);
  if (fd < 0) return {Errc::unavailable, "dial unix " + path + ": connect: " + errno_text(errno)};
  return Dialed{fd, AF_UNIX, path};
}

Result<Dialed> dial_tcp(const HostPort& target, base::Interrupt* interrupt, int timeout_ms = kDialTimeoutMs) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  // Go dials an empty host as the local one.
  const char* host = target.host.empty() ? "127.0.0.1" : target.host.c_str();
  if (const int failure = ::getaddrinfo(host, target.port.c_str(), &hints, &found); failure != 0) {
    const bool unknown_port = failure == EAI_SERVICE;
    const std::string what = unknown_port ? "tcp/" + target.port + ": unknown port" : target.host + ": no such host";
    return {Errc::not_found, "dial tcp: lookup " + what};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  std::string first_failure;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    const std::string peer = address_text(at->ai_addr, at->ai_addrlen);
    const int fd = connect_to(at->ai_addr, at->ai_addrlen, interrupt, timeout_ms);
    if (fd >= 0) {
      keep_alive(fd);
      return Dialed{fd, at->ai_family, peer};
    }
    if (!first_failure.empty()) continue;
    first_failure = "dial tcp " + peer + (errno == ETIMEDOUT ? ": i/o timeout" : ": connect: " + errno_text(errno));
  }
  return {Errc::unavailable, first_failure};
}

}  // namespace

bool accepts_connections(const std::string& host, const std::string& port, int timeout_ms) {
  const Result<Dialed> dialed = dial_tcp({.host = host, .port = port}, nullptr, timeout_ms);
  if (dialed) ::close(dialed->fd);
  return dialed.has_value();
}

struct Connection::Impl {
  asio::io_context io{1};
  Socket socket{io};
  std::optional<base::Interrupt::Socket> interruptible{};
  // Borrows the endpoint's context, which outlives every connection.
  std::unique_ptr<asio::ssl::stream<Socket&>> tls{};
  std::string network{};  // "tcp 127.0.0.1:50000->127.0.0.1:8500"
};

Connection::Connection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Connection::~Connection() = default;

Result<std::unique_ptr<Connection>> Connection::open(const Endpoint& endpoint) {
  const HostPort target = split_host(endpoint.host, endpoint.use_tls ? "443" : "80");
  Result<Dialed> dialed = endpoint.socket_path.empty() ? dial_tcp(target, endpoint.interrupt)
                                                       : dial_unix(endpoint.socket_path, endpoint.interrupt);
  if (!dialed) return dialed.error();

  auto impl = std::make_unique<Impl>();
  error_code error;
  impl->socket.assign(asio::generic::stream_protocol(dialed->family, 0), dialed->fd, error);
  if (error) {
    ::close(dialed->fd);
    return {Errc::internal, error.message()};
  }
  impl->interruptible.emplace(endpoint.interrupt, dialed->fd);
  sockaddr_storage local{};
  socklen_t size = sizeof local;
  ::getsockname(dialed->fd, reinterpret_cast<sockaddr*>(&local), &size);
  impl->network = dialed->family == AF_UNIX
                      ? "unix @->" + dialed->peer
                      : "tcp " + address_text(reinterpret_cast<sockaddr*>(&local), size) + "->" + dialed->peer;
  if (!endpoint.use_tls) return std::unique_ptr<Connection>(new Connection(std::move(impl)));

  // asio::ssl::stream takes a context of its own kind; this one shares the endpoint's.
  SSL_CTX_up_ref(endpoint.tls.get());
  asio::ssl::context context(endpoint.tls.get());
  impl->tls = std::make_unique<asio::ssl::stream<Socket&>>(impl->socket, context);
  SSL* ssl = impl->tls->native_handle();
  const std::string& name = endpoint.server_name.empty() ? target.host : endpoint.server_name;
  X509_VERIFY_PARAM* rules = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (X509_VERIFY_PARAM_set1_ip_asc(rules, name.c_str()) != 1) {
    X509_VERIFY_PARAM_set1_host(rules, name.c_str(), name.size());
    SSL_set_tlsext_host_name(ssl, name.c_str());
  }
  impl->tls->handshake(asio::ssl::stream_base::client, error);
  if (!error) return std::unique_ptr<Connection>(new Connection(std::move(impl)));
  if (std::string text = base::net::verification_text(ssl, name); !text.empty())
    return {Errc::permission_denied, std::move(text)};
  Connection failed(std::move(impl));
  return failed.error("read", error);
}

Result<> Connection::write(std::string_view bytes) {
  error_code code;
  const asio::const_buffer buffer(bytes.data(), bytes.size());
  impl_->tls ? asio::write(*impl_->tls, buffer, code) : asio::write(impl_->socket, buffer, code);
  if (code) return error("write", code);
  return {};
}

std::size_t Connection::read_some(std::span<char> into, error_code& code) {
  const asio::mutable_buffer buffer(into.data(), into.size());
  const std::size_t got = impl_->tls ? impl_->tls->read_some(buffer, code) : impl_->socket.read_some(buffer, code);
  if (code == asio::ssl::error::stream_truncated) code = asio::error::eof;
  return got;
}

base::Error Connection::error(std::string_view operation, const error_code& code) const {
  if (code == asio::error::eof) return {Errc::eof, "EOF"};
  if (code.category() == asio::error::get_ssl_category()) {
    std::string text = base::net::tls_error_text(static_cast<unsigned long>(code.value()));
    if (text == base::net::kNotTls) text = "http: server gave HTTP response to HTTPS client";
    return {Errc::unavailable, std::move(text)};
  }
  return {
      code == asio::error::connection_reset ? Errc::eof : Errc::unavailable,
      std::string(operation) + ' ' + impl_->network + ": " + std::string(operation) + ": " + errno_text(code.value())};
}

}  // namespace proconsul::agent::cli
