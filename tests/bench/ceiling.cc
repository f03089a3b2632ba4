// The machine's own figures, measured in the same run as the product's:
//   ceiling http PORT [BYTES]  answers every request with BYTES (16) of body until killed; one epoll thread a core
//   ceiling watch PORT BYTES   the same, but parks a GET with "index=" until a PUT comes that is not to "/quiet/"; then
//                              every parked connection gets its answer in one send: what no server can do for less
//   ceiling udp PORT           sends every datagram back as a DNS answer with one address; one thread a core
//   ceiling fsync FILE COUNT   writes and fdatasyncs 256 B COUNT times, prints p50 and mean in microseconds
#include <sys/eventfd.h>
#include <sys/resource.h>

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "tests/bench/client.h"

namespace {

std::string answer_of(std::size_t bytes) {
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Consul-Index: 1\r\nContent-Length: " +
         std::to_string(bytes) + "\r\n\r\n" + std::string(bytes, 'x');
}

/// One thread's connections. Bytes that the socket does not take yet wait here by descriptor.
class Server {
 public:
  Server(int port, std::size_t bytes, bool parks, const std::vector<int>& bells, int bell)
      : answer_(answer_of(bytes)), parks_(parks), bells_(bells), bell_(bell), listener_(listen_on(port)) {}

  void run() {
    watch(listener_, EPOLL_CTL_ADD, EPOLLIN);
    watch(bell_, EPOLL_CTL_ADD, EPOLLIN);
    std::vector<char> buffer(1 << 16);
    epoll_event events[128];
    for (;;) {
      const int ready = epoll_wait(poll_, events, 128, -1);
      for (int i = 0; i < ready; ++i) {
        const int fd = events[i].data.fd;
        if (fd == listener_) {
          take_new();
        } else if (fd == bell_) {
          std::uint64_t rings;
          if (read(bell_, &rings, sizeof rings) < 0) continue;
          for (const int parked : std::exchange(parked_, {})) send_rest(parked, 0);
        } else if (events[i].events & EPOLLOUT) {
          send_rest(fd, sent_[static_cast<std::size_t>(fd)]);
        } else {
          const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
          if (got <= 0) {
            close(fd);
          } else {
            serve(fd, {buffer.data(), static_cast<std::size_t>(got)});
          }
        }
      }
    }
  }

 private:
  static int listen_on(int port) {
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
    return listener;
  }

  void watch(int fd, int operation, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.fd = fd}};
    epoll_ctl(poll_, operation, fd, &event);
  }

  void take_new() {
    const int accepted = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (accepted < 0) return;
    const int on = 1;
    setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (sent_.size() <= static_cast<std::size_t>(accepted)) sent_.resize(static_cast<std::size_t>(accepted) + 1);
    watch(accepted, EPOLL_CTL_ADD, EPOLLIN);
  }

  // A request comes in one piece: the clients send it so.
  void serve(int fd, std::string_view request) {
    if (parks_ && request.find("index=") != request.npos) {
      parked_.push_back(fd);
      return;
    }
    send_rest(fd, 0);
    if (!parks_ || !request.starts_with("PUT") || request.find("/quiet/") != request.npos) return;
    const std::uint64_t ring = 1;
    for (const int bell : bells_) {
      if (write(bell, &ring, sizeof ring) < 0) bench::fail("eventfd");
    }
  }

  void send_rest(int fd, std::size_t from) {
    const bool waited = from > 0;
    while (from < answer_.size()) {
      const ssize_t sent = send(fd, answer_.data() + from, answer_.size() - from, MSG_NOSIGNAL);
      if (sent < 0) break;
      from += static_cast<std::size_t>(sent);
    }
    sent_[static_cast<std::size_t>(fd)] = from;
    if (from < answer_.size()) {
      if (!waited) watch(fd, EPOLL_CTL_MOD, EPOLLOUT);
    } else if (waited) {
      watch(fd, EPOLL_CTL_MOD, EPOLLIN);
    }
  }

  const std::string answer_;
  const bool parks_;
  const std::vector<int>& bells_;
  const int bell_;
  const int listener_;
  const int poll_ = epoll_create1(0);
  std::vector<std::size_t> sent_;
  std::vector<int> parked_;
};

void serve(int port, std::size_t bytes, bool parks) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  std::vector<int> bells(std::max(1u, std::thread::hardware_concurrency()));
  for (int& bell : bells) bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::vector<std::jthread> threads;
  for (const int bell : bells) threads.emplace_back([&, bell] { Server(port, bytes, parks, bells, bell).run(); });
}

int measure_fsync(const char* path, long count) {
  const int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) bench::fail(path);
  const std::string block(256, 'x');
  std::vector<double> micros;
  timespec used{};
  for (long i = 0; i < count; ++i) {
    const auto start = bench::Clock::now();
    if (write(fd, block.data(), block.size()) != ssize_t(block.size()) || fdatasync(fd) != 0) bench::fail("write");
    micros.push_back(bench::seconds_since(start) * 1e6);
  }
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  std::sort(micros.begin(), micros.end());
  double sum = 0;
  for (const double value : micros) sum += value;
  const double times = double(micros.size());
  std::printf("{\"p50_us\": %.1f, \"mean_us\": %.1f, \"cpu_us\": %.1f}\n", micros[micros.size() / 2], sum / times,
              (double(used.tv_sec) * 1e6 + double(used.tv_nsec) / 1e3) / times);
  unlink(path);
  return 0;
}

void serve_udp(int port) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) bench::fail("bind");
  const std::string record("\xc0\x0c\0\1\0\1\0\0\0\0\0\4\x0a\0\0\1", 16);
  char buffer[65536];
  for (;;) {
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const ssize_t got = recvfrom(fd, buffer, 512, 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 12) continue;
    buffer[2] = static_cast<char>(buffer[2] | 0x84);
    buffer[7] = 1;
    std::memcpy(buffer + got, record.data(), record.size());
    sendto(fd, buffer, static_cast<std::size_t>(got) + record.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 2 ? argv[1] : "";
  if (what == "http") {
    serve(std::atoi(argv[2]), argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 16, false);
  } else if (what == "watch" && argc > 3) {
    serve(std::atoi(argv[2]), std::strtoull(argv[3], nullptr, 10), true);
  } else if (what == "udp") {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i) {
      threads.emplace_back(serve_udp, std::atoi(argv[2]));
    }
  } else if (what == "fsync" && argc > 3) {
    return measure_fsync(argv[2], std::atol(argv[3]));
  } else {
    std::fprintf(
        stderr, "ceiling http PORT [BYTES] | ceiling watch PORT BYTES | ceiling udp PORT | ceiling fsync FILE COUNT\n");
    return 2;
  }
}
