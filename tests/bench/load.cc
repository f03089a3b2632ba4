// load PORT CONNECTIONS COUNT METHOD PATH [BODY]: a closed loop of COUNT requests. %d in PATH and BODY becomes the
// request's number (from FIRST, environment), and in TOKEN (environment), which is sent along. Prints one line of JSON:
// rate, p50, p99, answers that were not 200.
#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "tests/bench/client.h"

namespace {

std::string number_in(const std::string& text, long number) {
  std::string out = text;
  for (std::size_t at; (at = out.find("%d")) != std::string::npos;) out.replace(at, 2, std::to_string(number));
  return out;
}

struct Connection {
  int fd = -1;
  std::string in{};
  bench::Clock::time_point sent{};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(stderr, "load PORT CONNECTIONS COUNT METHOD PATH [BODY]\n");
    return 2;
  }
  const int port = std::atoi(argv[1]);
  const int connections = std::atoi(argv[2]);
  const long count = std::atol(argv[3]);
  const std::string method = argv[4], path = argv[5], body = argc > 6 ? argv[6] : "";
  const long first = std::getenv("FIRST") ? std::atol(std::getenv("FIRST")) : 0;

  const std::string token = std::getenv("TOKEN") ? std::getenv("TOKEN") : "";

  const bool fixed = (path + body + token).find("%d") == std::string::npos;
  const auto make = [&](long number) {
    const std::string content = number_in(body, number);
    std::string request = method + " " + number_in(path, number) + " HTTP/1.1\r\nHost: bench\r\n";
    if (!token.empty()) request += "X-Consul-Token: " + number_in(token, number) + "\r\n";
    if (!content.empty() || method != "GET") request += "Content-Length: " + std::to_string(content.size()) + "\r\n";
    return request + "\r\n" + content;
  };
  const std::string constant = make(first);

  const int poll = epoll_create1(0);
  std::vector<Connection> open(static_cast<std::size_t>(connections));
  std::vector<float> micros;
  micros.reserve(static_cast<std::size_t>(count));
  long sent = 0, done = 0, bad = 0;
  const auto ask = [&](Connection& connection) {
    connection.sent = bench::Clock::now();
    bench::send_all(connection.fd, fixed ? constant : make(first + sent));
    ++sent;
  };
  for (std::size_t i = 0; i < open.size(); ++i) {
    open[i].fd = bench::connect_to(port);
    epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
    epoll_ctl(poll, EPOLL_CTL_ADD, open[i].fd, &event);
  }
  const auto start = bench::Clock::now();
  for (Connection& connection : open) {
    if (sent < count) ask(connection);
  }
  std::vector<char> buffer(1 << 20);
  epoll_event events[256];
  while (done < count) {
    const int ready = epoll_wait(poll, events, 256, 30000);
    if (ready <= 0) bench::fail("no answer within 30 s");
    for (int i = 0; i < ready; ++i) {
      Connection& connection = open[events[i].data.u64];
      const ssize_t got = recv(connection.fd, buffer.data(), buffer.size(), 0);
      if (got <= 0) bench::fail("closed by the server");
      connection.in.append(buffer.data(), static_cast<std::size_t>(got));
      const std::size_t size = bench::answer_size(connection.in);
      if (size == 0) continue;
      micros.push_back(std::chrono::duration<float, std::micro>(bench::Clock::now() - connection.sent).count());
      if (bench::status_of(connection.in) != 200 && bad++ == 0) std::fprintf(stderr, "%.300s\n", connection.in.c_str());
      connection.in.erase(0, size);
      ++done;
      if (sent < count) ask(connection);
    }
  }
  const double seconds = bench::seconds_since(start);
  std::sort(micros.begin(), micros.end());
  const auto rank = [&](double part) { return micros[static_cast<std::size_t>(part * double(micros.size() - 1))]; };
  std::printf("{\"rate\": %.0f, \"p50_us\": %.1f, \"p99_us\": %.1f, \"bad\": %ld, \"seconds\": %.3f}\n",
              double(count) / seconds, rank(0.5), rank(0.99), bad, seconds);
  return bad == 0 ? 0 : 1;
}
