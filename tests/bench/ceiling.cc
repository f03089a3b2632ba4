// The machine's own figures, measured in the same run as the product's:
//   ceiling http PORT          answers every request with 16 bytes until killed; one epoll thread a core
//   ceiling fsync FILE COUNT   writes and fdatasyncs 256 B COUNT times, prints p50 and mean in microseconds
#include <algorithm>
#include <thread>
#include <vector>

#include "tests/bench/client.h"

namespace {

void serve(int port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) bench::fail("bind");
  if (listen(listener, 1024) != 0) bench::fail("listen");
  const int poll = epoll_create1(0);
  epoll_event event{.events = EPOLLIN, .data = {.fd = listener}};
  epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 16\r\n\r\n0123456789abcdef";
  char buffer[16384];
  epoll_event events[128];
  for (;;) {
    const int ready = epoll_wait(poll, events, 128, -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[i].data.fd;
      if (fd == listener) {
        const int accepted = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (accepted < 0) continue;
        setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        epoll_event in{.events = EPOLLIN, .data = {.fd = accepted}};
        epoll_ctl(poll, EPOLL_CTL_ADD, accepted, &in);
        continue;
      }
      const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
      if (got <= 0) {
        close(fd);
        continue;
      }
      if (std::string_view(buffer, static_cast<std::size_t>(got)).ends_with("\r\n\r\n")) bench::send_all(fd, answer);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 2 ? argv[1] : "";
  if (what == "http") {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i) {
      threads.emplace_back(serve, std::atoi(argv[2]));
    }
    return 0;
  }
  if (what == "fsync" && argc > 3) {
    const int fd = open(argv[2], O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) bench::fail(argv[2]);
    const std::string block(256, 'x');
    std::vector<double> micros;
    for (long i = 0; i < std::atol(argv[3]); ++i) {
      const auto start = bench::Clock::now();
      if (write(fd, block.data(), block.size()) != ssize_t(block.size()) || fdatasync(fd) != 0) bench::fail("write");
      micros.push_back(bench::seconds_since(start) * 1e6);
    }
    std::sort(micros.begin(), micros.end());
    double sum = 0;
    for (const double value : micros) sum += value;
    std::printf("{\"p50_us\": %.1f, \"mean_us\": %.1f}\n", micros[micros.size() / 2], sum / double(micros.size()));
    unlink(argv[2]);
    return 0;
  }
  std::fprintf(stderr, "ceiling http PORT | ceiling fsync FILE COUNT\n");
  return 2;
}
