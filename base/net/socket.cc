#include "base/net/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace proconsul::base::net {
namespace {

Error failed(const std::string& what, const std::string& call) {
  return {Errc::unavailable, what + ": " + call + ": " + errno_text(errno)};
}

std::string name_of(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text, sizeof text);
      return std::string(text) + ":" + std::to_string(ntohs(v6.sin6_port));
    }
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return "[" + std::string(text) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  return "@";
}

bool number(const std::string& text, int base, unsigned& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

}  // namespace

// Where Go's words differ from strerror's: all in small letters.
std::string errno_text(int error) {
  std::string text = std::strerror(error);
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] + 32);
  return text;
}

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  std::string name{};  // "10.0.0.1:53"
};

Result<SocketAddress> socket_address(const std::string& ip, std::uint16_t port, const std::string& network) {
  SocketAddress address;
  if (auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage); inet_pton(AF_INET, ip.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    address.size = sizeof v4;
    address.name = ip;
  } else if (auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
             inet_pton(AF_INET6, ip.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    address.size = sizeof v6;
    address.name = "[" + ip + "]";
  } else {
    return Error{Errc::invalid_argument, "listen " + network + ": " + ip + " is not an IP address"};
  }
  address.name += ":" + std::to_string(port);
  return address;
}

enum class Sharing : bool { no, yes };

/// A bound socket; TCP is not listening yet.
Result<Fd> bind_socket(const SocketAddress& address, const std::string& network, Sharing sharing) {
  const std::string what = "listen " + network + " " + address.name;
  const bool udp = network == "udp";
  Fd fd(::socket(address.storage.ss_family, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return failed(what, "socket");
  const int on = 1;
  if (!udp) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (sharing == Sharing::yes) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0) {
    return failed(what, "bind");
  }
  return fd;
}

}  // namespace

Result<Fd> listen_tcp(const std::string& ip, std::uint16_t port) {
  Result<SocketAddress> address = socket_address(ip, port, "tcp");
  if (!address) return address.error();
  // Not shared: a second agent on the same port must fail, not silently share its clients.
  Result<Fd> fd = bind_socket(*address, "tcp", Sharing::no);
  if (!fd) return fd.error();
  if (::listen(fd->get(), 4096) != 0) return failed("listen tcp " + address->name, "listen");
  return fd;
}

Result<std::vector<Fd>> listen_shared(const std::string& ip, std::uint16_t port, Datagrams datagrams,
                                      std::size_t count) {
  const std::string network = datagrams == Datagrams::yes ? "udp" : "tcp";
  Result<SocketAddress> address = socket_address(ip, port, network);
  if (!address) return address.error();
  {
    // Sharing would let a second agent take half of the clients: whether the address is free is tried without it.
    Result<Fd> probe = bind_socket(*address, network, Sharing::no);
    if (!probe) return probe.error();
    if (port == 0) address = socket_address(ip, local_port(probe->get()), network);
  }
  std::vector<Fd> sockets;
  for (std::size_t i = 0; i < count; ++i) {
    Result<Fd> fd = bind_socket(*address, network, Sharing::yes);
    if (!fd) return fd.error();
    if (datagrams == Datagrams::no && ::listen(fd->get(), 4096) != 0) {
      return failed("listen tcp " + address->name, "listen");
    }
    sockets.push_back(std::move(*fd));
  }
  return sockets;
}

Result<Fd> listen_unix(const std::string& path, const std::string& user, const std::string& group,
                       const std::string& mode) {
  const std::string what = "listen unix " + path;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return Error{Errc::invalid_argument, what + ": bind: invalid argument"};
  std::memcpy(address.sun_path, path.data(), path.size());
  struct stat existing{};
  if (::lstat(path.c_str(), &existing) == 0 && S_ISSOCK(existing.st_mode)) ::unlink(path.c_str());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return failed(what, "socket");
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return failed(what, "bind");

  uid_t uid = static_cast<uid_t>(-1);
  gid_t gid = static_cast<gid_t>(-1);
  unsigned value = 0;
  if (!user.empty()) {
    if (number(user, 10, value)) {
      uid = value;
    } else if (const passwd* entry = ::getpwnam(user.c_str())) {
      uid = entry->pw_uid;
    } else {
      return Error{Errc::invalid_argument, "invalid user specified: " + user};
    }
  }
  if (!group.empty()) {
    if (number(group, 10, value)) {
      gid = value;
    } else if (const struct group* entry = ::getgrnam(group.c_str())) {
      gid = entry->gr_gid;
    } else {
      return Error{Errc::invalid_argument, "invalid group specified: " + group};
    }
  }
  if (::chown(path.c_str(), uid, gid) != 0) return failed("chown " + path, "chown");
  if (!mode.empty()) {
    if (!number(mode, 8, value)) return Error{Errc::invalid_argument, "invalid mode specified: " + mode};
    if (::chmod(path.c_str(), static_cast<mode_t>(value)) != 0) return failed("chmod " + path, "chmod");
  }
  if (::listen(fd.get(), 4096) != 0) return failed(what, "listen");
  return fd;
}

std::string peer_name(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "@";
  return name_of(address);
}

std::string local_name(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "@";
  return name_of(address);
}

std::uint16_t local_port(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return 0;
}

Acceptor::Acceptor(Loop& loop, Fd listener, std::function<void(Fd)> take)
    : loop_(loop), listener_(std::move(listener)), take_(std::move(take)) {
  loop_.watch(listener_.get(), EPOLLIN, this);
}

Acceptor::~Acceptor() {
  loop_.forget(listener_.get(), this);
}

void Acceptor::on_ready(std::uint32_t) {
  for (int i = 0; i < 64; ++i) {
    Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        // Out of descriptors: the waiting connection would wake us at once again. Look after some have closed.
        loop_.rewatch(listener_.get(), 0, this);
        arm(loop_, Clock::now() + std::chrono::milliseconds(50));
      }
      return;
    }
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    take_(std::move(fd));
  }
}

void Acceptor::on_timer() {
  loop_.rewatch(listener_.get(), EPOLLIN, this);
}

}  // namespace proconsul::base::net
