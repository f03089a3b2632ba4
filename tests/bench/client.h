// A closed-loop HTTP/1.1 client on epoll for the measurements: cheap enough that the server is what is measured.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace bench {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

[[noreturn]] inline void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

/// A connected socket to 127.0.0.1:port without Nagle's delay.
inline int connect_to(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("connect");
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

inline void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) continue;
    if (sent < 0) fail("send");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

/// Length of the complete answer at the start of `in`, or 0 if more bytes are needed. Knows Content-Length and chunks.
inline std::size_t answer_size(const std::string& in) {
  const std::size_t end = in.find("\r\n\r\n");
  if (end == std::string::npos) return 0;
  const std::string_view head(in.data(), end + 2);
  if (std::size_t at = head.find("Content-Length: "); at != std::string_view::npos) {
    const std::size_t size = end + 4 + std::strtoull(head.data() + at + 16, nullptr, 10);
    return in.size() >= size ? size : 0;
  }
  if (head.find("chunked") == std::string_view::npos) return end + 4;
  std::size_t at = end + 4;
  for (;;) {
    const std::size_t line = in.find("\r\n", at);
    if (line == std::string::npos) return 0;
    const std::size_t chunk = std::strtoull(in.data() + at, nullptr, 16);
    at = line + 2 + chunk + 2;
    if (in.size() < at) return 0;
    if (chunk == 0) return at;
  }
}

inline int status_of(const std::string& in) { return in.size() > 12 ? std::atoi(in.data() + 9) : 0; }

/// One whole exchange on a blocking socket; returns the answer.
inline std::string exchange(int fd, std::string_view request) {
  send_all(fd, request);
  std::string in;
  char buffer[65536];
  while (answer_size(in) == 0) {
    const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
    if (got <= 0) fail("recv");
    in.append(buffer, static_cast<std::size_t>(got));
  }
  return in;
}

}  // namespace bench
