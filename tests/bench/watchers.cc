// watchers PORT COUNT PATH CHANGE_PATH CHANGE_BODY QUIET_PATH QUIET_COUNT: parks COUNT blocking queries of PATH at its
// present index, writes QUIET_COUNT times to QUIET_PATH (which must wake none), waits for a line on standard input,
// then sends one change and times the answers. Prints a line when parked and a line of JSON when answered, and keeps
// its connections until standard input ends: closing them would cost the server more than answering them.
#include <sys/resource.h>

#include <vector>

#include "tests/bench/client.h"

namespace {

std::string put(const std::string& path, const std::string& body) {
  return "PUT " + path + " HTTP/1.1\r\nHost: bench\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 8) return 2;
  const int port = std::atoi(argv[1]);
  const std::size_t count = std::strtoull(argv[2], nullptr, 10);
  const std::string path = argv[3], change_path = argv[4], change_body = argv[5], quiet_path = argv[6];
  const long quiet = std::atol(argv[7]);
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);

  const int control = bench::connect_to(port);
  const std::string now = bench::exchange(control, "GET " + path + " HTTP/1.1\r\nHost: bench\r\n\r\n");
  const std::size_t at = now.find("X-Consul-Index: ");
  const std::string index = std::to_string(std::strtoull(now.c_str() + at + 16, nullptr, 10));
  const std::string parked = "GET " + path + (path.find('?') == std::string::npos ? "?" : "&") + "index=" + index +
                             "&wait=300s HTTP/1.1\r\nHost: bench\r\n\r\n";
  const int poll = epoll_create1(0);
  std::vector<int> open(count);
  std::vector<std::string> in(count);
  for (std::size_t i = 0; i < count; ++i) {
    open[i] = bench::connect_to(port);
    bench::send_all(open[i], parked);
    epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
    epoll_ctl(poll, EPOLL_CTL_ADD, open[i], &event);
  }
  usleep(500'000);
  for (long i = 0; i < quiet; ++i) bench::exchange(control, put(quiet_path + std::to_string(i), "x"));
  epoll_event events[1024];
  const int woken = epoll_wait(poll, events, 1024, 200);
  std::printf("parked, woken by %ld unrelated writes: %d\n", quiet, woken);
  std::fflush(stdout);
  std::getchar();

  const auto start = bench::Clock::now();
  bench::send_all(control, put(change_path, change_body));
  std::size_t answered = 0;
  double first = 0, last = 0;
  std::vector<char> buffer(1 << 20);
  while (answered < count) {
    const int ready = epoll_wait(poll, events, 1024, 10'000);
    if (ready <= 0) break;
    for (int i = 0; i < ready; ++i) {
      const std::size_t which = events[i].data.u64;
      const ssize_t got = recv(open[which], buffer.data(), buffer.size(), 0);
      if (got <= 0) bench::fail("closed by the server");
      in[which].append(buffer.data(), static_cast<std::size_t>(got));
      if (bench::answer_size(in[which]) == 0) continue;
      ++answered;
      last = bench::seconds_since(start);
      if (answered == 1) first = last;
    }
  }
  std::printf("{\"answered\": %zu, \"first_ms\": %.1f, \"last_ms\": %.1f}\n", answered, first * 1e3, last * 1e3);
  std::fflush(stdout);
  while (std::getchar() != EOF) continue;
  return answered == count ? 0 : 1;
}
