#include "agent/gateway/metrics_port.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <chrono>
#include <string_view>
#include <utility>

#include "agent/config/address.h"
#include "base/metrics.h"
#include "base/net/connection.h"
#include "base/quote.h"
#include "base/strconv.h"

namespace proconsul::agent::gateway {

using base::Errc;
using base::Result;
using base::net::Fd;

namespace {

constexpr std::size_t kMostRequestBytes = 16 * 1024;
constexpr std::chrono::seconds kMostTime{5};
constexpr base::Duration kRest = base::milliseconds(100);  // without a descriptor for who waits

std::string reply(std::string_view status, std::string_view type, std::string_view body) {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Type: " + std::string(type) +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + std::string(body);
}

/// `request` begins with the request line.
std::string answer(std::string_view request) {
  const std::string_view line = request.substr(0, request.find("\r\n"));
  const std::size_t first = line.find(' ');
  const std::string_view method = line.substr(0, first);
  std::string_view target = first == line.npos ? std::string_view{} : line.substr(first + 1);
  target = target.substr(0, target.find(' '));
  const std::string_view path = target.substr(0, target.find('?'));
  if (path != "/metrics") return reply("404 Not Found", "text/plain", "there is only /metrics\n");
  if (method != "GET") return reply("405 Method Not Allowed", "text/plain", "only GET is served\n");
  if (target.find("format=json") != target.npos) {
    return reply("200 OK", "application/json", base::metrics::to_json());
  }
  return reply("200 OK", "text/plain; version=0.0.4; charset=utf-8", base::metrics::to_prometheus());
}

void serve_one(const Fd& client) {
  const timeval patience{.tv_sec = 1, .tv_usec = 0};
  ::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(client.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  const auto end = std::chrono::steady_clock::now() + kMostTime;
  std::string request;
  char buffer[4096];
  while (request.find("\r\n\r\n") == std::string::npos) {
    const ssize_t got = ::recv(client.get(), buffer, sizeof buffer, 0);
    if (got <= 0 || request.size() > kMostRequestBytes || std::chrono::steady_clock::now() > end) return;
    request.append(buffer, static_cast<std::size_t>(got));
  }
  const std::string text = answer(request);
  std::string_view rest = text;
  while (!rest.empty() && std::chrono::steady_clock::now() < end) {
    const ssize_t sent = ::send(client.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace

Result<std::unique_ptr<MetricsPort>> MetricsPort::start(const std::string& address) {
  const Result<base::net::HostPort> parts = base::net::split_host_port(address);
  const Result<std::uint64_t> port =
      parts ? base::parse_uint(parts->port, 10, 16) : Result<std::uint64_t>(parts.error());
  if (!port || !config::Ip::parse(parts->host)) {
    return {Errc::invalid_argument, base::quote(address) + " should read IP:PORT"};
  }
  Result<Fd> listener = base::net::listen_tcp(parts->host, static_cast<std::uint16_t>(*port));
  if (!listener) return listener.error();
  return std::unique_ptr<MetricsPort>(new MetricsPort(std::move(*listener)));
}

MetricsPort::MetricsPort(Fd listener) : listener_(std::move(listener)), thread_([this] { serve(); }) {}

MetricsPort::~MetricsPort() {
  stop_.raise();
  thread_.join();
}

void MetricsPort::serve() {
  for (;;) {
    pollfd ready[] = {{.fd = listener_.get(), .events = POLLIN, .revents = 0},
                      {.fd = stop_.descriptor(), .events = POLLIN, .revents = 0}};
    if (::poll(ready, 2, -1) < 0) continue;
    if (ready[1].revents != 0) return;
    const Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (client) {
      serve_one(client);
    } else if (!stop_.sleep(kRest)) {
      return;
    }
  }
}

}  // namespace proconsul::agent::gateway
