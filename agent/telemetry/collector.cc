#include "agent/telemetry/collector.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "agent/telemetry/metric_line.h"

namespace proconsul::agent {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using base::net::Fd;

constexpr std::string_view kUnix = "unix://";
constexpr std::size_t kStatsdDatagram = 1400;
constexpr std::size_t kDogstatsdDatagram = 1432;
constexpr std::size_t kUnixDatagram = 8192;
constexpr std::size_t kStreamBytes = 64 * 1024;
constexpr auto kRetry = std::chrono::seconds(5);
constexpr auto kMostPatience = std::chrono::seconds(300);
constexpr int kConnectMilliseconds = 1000;

Error system_error(const std::string& what) {
  return {Errc::unavailable, what + ": " + std::strerror(errno)};
}

/// "host:port", "[::1]:8125".
Result<std::pair<std::string, std::string>> host_and_port(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos || address.ends_with(']')) {
    return Error{Errc::invalid_argument, "address " + address + ": missing port in address"};
  }
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return Error{Errc::invalid_argument, "address " + address + ": too many colons in address"};
  }
  return std::pair{std::move(host), address.substr(colon + 1)};
}

Result<> finish_connecting(int fd, const std::string& what) {
  pollfd ready{fd, POLLOUT, 0};
  if (poll(&ready, 1, kConnectMilliseconds) <= 0) return Error{Errc::unavailable, what + ": i/o timeout"};
  int code = 0;
  socklen_t size = sizeof code;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size);
  if (code == 0) return {};
  errno = code;
  return system_error(what + ": connect");
}

Result<Fd> dial(const std::string& address, int type) {
  const std::string what = std::string("dial ") + (type == SOCK_STREAM ? "tcp " : "udp ") + address;
  Result<std::pair<std::string, std::string>> parts = host_and_port(address);
  if (!parts) return Error{parts.error().code, what + ": " + parts.error().detail};
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = type;
  addrinfo* found = nullptr;
  const char* host = parts->first.empty() ? nullptr : parts->first.c_str();
  if (const int code = getaddrinfo(host, parts->second.c_str(), &hints, &found); code != 0) {
    const bool unknown = code == EAI_NONAME || code == EAI_NODATA;
    return Error{unknown ? Errc::not_found : Errc::unavailable,
                 "lookup " + parts->first + ": " + (unknown ? "no such host" : gai_strerror(code))};
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> all(found, &freeaddrinfo);
  Result<Fd> last = Error{Errc::unavailable, what + ": no suitable address found"};
  for (const addrinfo* one = found; one; one = one->ai_next) {
    Fd socket(::socket(one->ai_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) {
      last = system_error(what + ": socket");
      continue;
    }
    if (::connect(socket.get(), one->ai_addr, one->ai_addrlen) == 0) return socket;
    if (errno != EINPROGRESS) {
      last = system_error(what + ": connect");
      continue;
    }
    if (Result<> connected = finish_connecting(socket.get(), what); !connected) {
      last = connected.error();
      continue;
    }
    return socket;
  }
  return last;
}

Result<Fd> dial_unix(const std::string& path) {
  const std::string what = "dial unixgram " + path;
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof name.sun_path) return Error{Errc::invalid_argument, what + ": the path is too long"};
  path.copy(name.sun_path, path.size());
  Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return system_error(what + ": socket");
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
    return system_error(what + ": connect");
  }
  return socket;
}

std::string with_port(Collector::Protocol protocol, std::string address) {
  const bool complete = protocol != Collector::Protocol::dogstatsd || address.find(':') != std::string::npos;
  return complete ? address : address + ":8125";
}

const char* name_of(Collector::Protocol protocol) {
  switch (protocol) {
    case Collector::Protocol::statsd:
      return "statsd";
    case Collector::Protocol::statsite:
      return "statsite";
    case Collector::Protocol::dogstatsd:
      break;
  }
  return "dogstatsd";
}

}  // namespace

Collector::Collector(Protocol protocol, std::string address, std::vector<std::string> tags)
    : protocol_(protocol),
      address_(with_port(protocol, std::move(address))),
      tags_(std::move(tags)),
      most_bytes_(protocol == Protocol::statsite ? kStreamBytes
                  : protocol == Protocol::statsd ? kStatsdDatagram
                  : address_.starts_with(kUnix)  ? kUnixDatagram
                                                 : kDogstatsdDatagram) {}

Result<> Collector::connect() {
  Result<Fd> socket = address_.starts_with(kUnix) && protocol_ == Protocol::dogstatsd
                          ? dial_unix(address_.substr(kUnix.size()))
                          : dial(address_, protocol_ == Protocol::statsite ? SOCK_STREAM : SOCK_DGRAM);
  if (!socket) return socket.error();
  socket_ = std::move(*socket);
  failures_ = 0;
  return {};
}

void Collector::try_later(Instant now, const Error& error, bool patient) {
  socket_.reset();
  ++failures_;
  next_try_ = now + (patient ? std::min<std::chrono::seconds>(std::chrono::seconds(1LL << std::min(failures_, 9)),
                                                              kMostPatience)
                             : kRetry);
  // An address that does not answer is worth a line, but not one every five seconds.
  if (failures_ == 1 || patient) {
    log_.error(std::string("Error connecting to ") + name_of(protocol_), {{"address", address_}, {"error", error}});
  }
}

void Collector::add(const base::metrics::Event& event) {
  if (!socket_) return;
  if (protocol_ == Protocol::dogstatsd) {
    append_dogstatsd_line(buffer_, event, tags_);
  } else {
    append_statsd_line(buffer_, event);
  }
}

void Collector::flush(Instant now) {
  std::string_view rest = buffer_;
  while (!rest.empty() && socket_) {
    std::size_t size = rest.size();
    if (size > most_bytes_) {  // as many whole lines as fit, but one at least
      const std::size_t end = rest.rfind('\n', most_bytes_ - 1);
      size = (end == std::string_view::npos ? rest.find('\n') : end) + 1;
    }
    send(rest.substr(0, size), now);
    rest.remove_prefix(size);
  }
  buffer_.clear();
}

void Collector::send(std::string_view bytes, Instant now) {
  while (!bytes.empty() && socket_) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (sent < 0 && errno == EINTR) continue;
    // A datagram's refusal tells of the one before it; the daemon may be back for the next.
    if (protocol_ != Protocol::statsite && !address_.starts_with(kUnix)) return;
    if (protocol_ != Protocol::statsite && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (protocol_ == Protocol::statsite && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      pollfd ready{socket_.get(), POLLOUT, 0};
      if (poll(&ready, 1, kConnectMilliseconds) > 0) continue;
      errno = ETIMEDOUT;
    }
    return try_later(now, system_error(std::string("write ") + name_of(protocol_)), false);
  }
}

}  // namespace proconsul::agent
