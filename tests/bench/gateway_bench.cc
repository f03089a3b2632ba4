// What the built-in gateway's forwarding costs, beside a plain splice loop and beside no proxy at all, all in one
// process:
//   gateway_bench throughput [MEGABYTES] [PIPE_KB]   one stream: MB/s, and the proxy's processor time per GB
//   gateway_bench connect [COUNT]          processor time of the gateway per connection: hello, dial, 1 byte back,
//                                          close
//   gateway_bench idle [COUNT]             resident bytes of this process per idle connection, its clients and servers
//                                          in another process; fewer connections if not so many files may be open
//   gateway_bench small [COUNT]            one byte to and fro on one connection: microseconds, gateway and plain
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <ctime>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/net/socket.h"
#include "tests/bench/client.h"
#include "wanfed/gateway/gateway.h"

namespace {

namespace gateway = proconsul::wanfed::gateway;
namespace net = proconsul::base::net;

std::string big_endian(std::size_t value, int width) {
  std::string out;
  while (width-- > 0) out += static_cast<char>(value >> (8 * width) & 0xff);
  return out;
}
std::string vector(std::string_view bytes, int width) {
  return big_endian(bytes.size(), width).append(bytes);
}
const std::string& hello() {
  static const std::string kHello = [] {
    const std::string sni = std::string(2, '\0') + vector(vector(std::string(1, '\0') + vector("web", 2), 2), 2);
    const std::string padding = big_endian(21, 2) + vector(std::string(200, '\0'), 2);
    const std::string body = "\x03\x03" + std::string(32, 'r') + vector("", 1) + vector("\x13\x01", 2) +
                             vector(std::string(1, '\0'), 1) + vector(sni + padding, 2);
    return "\x16\x03\x01" + vector("\x01" + vector(body, 3), 2);
  }();
  return kHello;
}

double seconds_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}
/// The processor time of another thread of this process.
clockid_t clock_of(pthread_t thread) {
  clockid_t clock{};
  pthread_getcpuclockid(thread, &clock);
  return clock;
}

void receive_all(int fd, std::size_t size) {
  std::vector<char> buffer(1 << 20);
  while (size > 0) {
    const ssize_t got = recv(fd, buffer.data(), std::min(size, buffer.size()), 0);
    if (got <= 0) bench::fail("recv");
    size -= static_cast<std::size_t>(got);
  }
}

/// The least that a forwarder can do: both directions of one connection in blocking threads, each with a pipe.
class PlainSplice {
 public:
  explicit PlainSplice(int to, int pipe_bytes)
      : listener_(std::move(*net::listen_tcp("127.0.0.1", 0))), pipe_bytes_(pipe_bytes) {
    port_ = net::local_port(listener_.get());
    fcntl(listener_.get(), F_SETFL, 0);
    thread_ = std::jthread([this, to] {
      const net::Fd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      const net::Fd server(bench::connect_to(to));
      std::jthread back([&] { spent_back_ = copy(server.get(), client.get()); });
      spent_ = copy(client.get(), server.get());
    });
  }
  int port() const { return port_; }
  double seconds() {
    thread_.join();
    return spent_ + spent_back_;
  }

 private:
  double copy(int from, int to) const {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) bench::fail("pipe");
    fcntl(ends[1], F_SETPIPE_SZ, pipe_bytes_);
    const double begun = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    for (;;) {
      ssize_t got = splice(from, nullptr, ends[1], nullptr, 1 << 20, SPLICE_F_MOVE);
      if (got <= 0) break;
      while (got > 0) {
        const ssize_t sent = splice(ends[0], nullptr, to, nullptr, static_cast<std::size_t>(got), SPLICE_F_MOVE);
        if (sent <= 0) break;
        got -= sent;
      }
    }
    shutdown(to, SHUT_WR);
    close(ends[0]);
    close(ends[1]);
    return seconds_of(CLOCK_THREAD_CPUTIME_ID) - begun;
  }
  net::Fd listener_;
  int port_ = 0;
  int pipe_bytes_;
  double spent_ = 0, spent_back_ = 0;
  std::jthread thread_;
};

/// A gateway on one loop that leads "web" to a port.
struct Gateway {
  Gateway(int to, gateway::Options options) : one(loops, options) {
    if (!one.listen({{"127.0.0.1", 0}})) bench::fail("listen");
    port = one.listening().front().port;
    one.set_routes(std::make_shared<const gateway::RouteTable>(gateway::Topology{
        .datacenter = "dc1", .services = {{"web", {{"127.0.0.1", static_cast<std::uint16_t>(to)}}}}}));
    loops[0].run([this] { clock = clock_of(pthread_self()); });
  }
  double seconds() const { return seconds_of(clock); }
  net::Loops loops{1};
  gateway::Gateway one;
  clockid_t clock{};
  int port = 0;
};

/// Takes one connection after the other and does this with each.
template <class Serve>
class Server {
 public:
  explicit Server(Serve serve) : listener_(std::move(*net::listen_tcp("127.0.0.1", 0))) {
    fcntl(listener_.get(), F_SETFL, 0);
    thread_ = std::jthread([this, serve] {
      for (;;) {
        const net::Fd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!fd) return;
        serve(fd.get());
      }
    });
  }
  ~Server() { shutdown(listener_.get(), SHUT_RDWR); }
  int port() const { return net::local_port(listener_.get()); }

 private:
  net::Fd listener_;
  std::jthread thread_;
};

/// One stream upwards; seconds until the sink has all of it.
double stream(int port, std::size_t size) {
  const net::Fd fd(bench::connect_to(port));
  bench::send_all(fd.get(), hello());
  const std::vector<char> block(1 << 20, 'x');
  const auto begun = bench::Clock::now();
  for (std::size_t left = size; left > 0;) {
    const std::size_t piece = std::min(left, block.size());
    bench::send_all(fd.get(), {block.data(), piece});
    left -= piece;
  }
  receive_all(fd.get(), 1);  // the sink has seen all of it
  return bench::seconds_since(begun);
}

int measure_throughput(std::size_t megabytes, int pipe_kilobytes) {
  const std::size_t size = megabytes << 20;
  const int pipe_bytes = pipe_kilobytes << 10;
  const Server sink([size](int fd) {
    receive_all(fd, hello().size() + size);
    bench::send_all(fd, "x");
  });
  // In turns, so that other load on the machine is shared; the best of each counts.
  double direct = 0, plain = 0, plain_cpu = 1e9, ours = 0, ours_cpu = 1e9;
  const double gigabytes = static_cast<double>(size) / 1e9;
  for (int round = 0; round < 3; ++round) {
    direct = std::max(direct, gigabytes / stream(sink.port(), size));
    PlainSplice proxy(sink.port(), pipe_bytes);
    plain = std::max(plain, gigabytes / stream(proxy.port(), size));
    plain_cpu = std::min(plain_cpu, proxy.seconds());
    Gateway gateway(sink.port(), {.pipe_bytes = static_cast<std::size_t>(pipe_bytes)});
    const double begun = gateway.seconds();
    ours = std::max(ours, gigabytes / stream(gateway.port, size));
    ours_cpu = std::min(ours_cpu, gateway.seconds() - begun);
  }
  std::printf(
      "{\"direct_gb_s\": %.2f, \"plain_gb_s\": %.2f, \"gateway_gb_s\": %.2f, \"plain_cpu_ms_per_gb\": %.1f, "
      "\"gateway_cpu_ms_per_gb\": %.1f}\n",
      direct, plain, ours, plain_cpu * 1e3 / gigabytes, ours_cpu * 1e3 / gigabytes);
  return 0;
}

int measure_connect(int count) {
  const Server sink([](int fd) {
    receive_all(fd, hello().size());
    bench::send_all(fd, "x");
    char rest;
    (void)!recv(fd, &rest, 1, 0);
  });
  Gateway gateway(sink.port(), {});
  double begun = 0;
  for (int i = -100; i < count; ++i) {
    if (i == 0) begun = gateway.seconds();
    const net::Fd fd(bench::connect_to(gateway.port));
    bench::send_all(fd.get(), hello());
    receive_all(fd.get(), 1);
  }
  std::printf("{\"gateway_cpu_us_per_connection\": %.1f}\n", (gateway.seconds() - begun) * 1e6 / count);
  return 0;
}

int measure_small(int count) {
  const Server sink([](int fd) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    receive_all(fd, hello().size());
    bench::send_all(fd, "x");
    for (char byte; recv(fd, &byte, 1, 0) == 1;) bench::send_all(fd, {&byte, 1});
  });
  const auto converse = [count](int port) {
    const net::Fd fd(bench::connect_to(port));
    bench::send_all(fd.get(), hello());
    receive_all(fd.get(), 1);
    const auto begun = bench::Clock::now();
    for (int i = 0; i < count; ++i) {
      bench::send_all(fd.get(), "x");
      char byte;
      if (recv(fd.get(), &byte, 1, 0) != 1) bench::fail("recv");
    }
    return bench::seconds_since(begun) * 1e6 / count;
  };
  PlainSplice proxy(sink.port(), 64 << 10);
  const double plain = converse(proxy.port());
  const double plain_cpu = proxy.seconds() * 1e6 / count;
  Gateway gateway(sink.port(), {});
  const double begun = gateway.seconds();
  const double ours = converse(gateway.port);
  std::printf("{\"plain_us\": %.1f, \"gateway_us\": %.1f, \"plain_cpu_us\": %.2f, \"gateway_cpu_us\": %.2f}\n", plain,
              ours, plain_cpu, (gateway.seconds() - begun) * 1e6 / count);
  return 0;
}

std::size_t resident() {
  std::size_t pages = 0, whole = 0;
  std::ifstream("/proc/self/statm") >> whole >> pages;
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}
std::size_t kernel_tcp_pages() {
  std::ifstream in("/proc/net/sockstat");
  for (std::string word; in >> word;) {
    if (word != "mem") continue;
    std::size_t pages = 0;
    in >> pages;
    return pages;
  }
  return 0;
}

/// The clients and the servers of idle connections, with a word for each step: a process of its own.
void hold_idle(int count, int listener, int commands, int answers) {
  std::vector<net::Fd> all;
  fcntl(listener, F_SETFL, 0);
  int port = 0;
  (void)!read(commands, &port, sizeof port);
  for (int i = 0; i < count; ++i) {
    all.emplace_back(bench::connect_to(port));
    bench::send_all(all.back().get(), hello());
    all.emplace_back(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    receive_all(all.back().get(), hello().size());
    bench::send_all(all.back().get(), "x");
    receive_all(all[all.size() - 2].get(), 1);
  }
  (void)!write(answers, "x", 1);
  (void)!read(commands, &port, sizeof port);
}

int measure_idle(int count) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  constexpr rlim_t kOthers = 200;  // files that are no ends of these connections
  count = std::min(count, static_cast<int>((files.rlim_cur - kOthers) / 2));
  const net::Fd listener = std::move(*net::listen_tcp("127.0.0.1", 0));
  int down[2], up[2];
  if (pipe2(down, O_CLOEXEC) != 0 || pipe2(up, O_CLOEXEC) != 0) bench::fail("pipe");
  const pid_t other = fork();
  if (other == 0) {
    hold_idle(count, listener.get(), down[0], up[1]);
    _exit(0);
  }
  Gateway gateway(net::local_port(listener.get()), {.limits = {.connections = count + 1}});
  const std::size_t before = resident(), kernel_before = kernel_tcp_pages();
  char done;
  (void)!write(down[1], &gateway.port, sizeof gateway.port);
  (void)!read(up[0], &done, 1);
  const std::size_t after = resident();
  std::printf(
      "{\"connections\": %lld, \"rss_before_mb\": %.1f, \"bytes_per_connection\": %.0f, \"kernel_tcp_pages\": %zu}\n",
      static_cast<long long>(gateway.one.snapshot().active), static_cast<double>(before) / 1e6,
      static_cast<double>(after - before) / count, kernel_tcp_pages() - kernel_before);
  (void)!write(down[1], &gateway.port, sizeof gateway.port);
  waitpid(other, nullptr, 0);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  proconsul::base::log::set_level(proconsul::base::log::Level::error);
  const std::string_view what = argc > 1 ? argv[1] : "";
  const int number = argc > 2 ? std::atoi(argv[2]) : 0;
  if (what == "throughput") {
    return measure_throughput(static_cast<std::size_t>(number > 0 ? number : 1024),
                              argc > 3 ? std::atoi(argv[3]) : 512);
  }
  if (what == "connect") return measure_connect(number > 0 ? number : 5000);
  if (what == "idle") return measure_idle(number > 0 ? number : 10'000);
  if (what == "small") return measure_small(number > 0 ? number : 20'000);
  std::fprintf(stderr, "gateway_bench throughput [MEGABYTES] [PIPE_KB] | connect | idle | small [COUNT]\n");
  return 2;
}
