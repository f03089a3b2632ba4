// dns_load PORT SOCKETS COUNT NAME TYPE [EDNS]: a closed loop of COUNT questions over UDP, one outstanding on each
// socket. Prints one line of JSON: rate, p50, p99, answers with an rcode or without an answer, records of the last
// answer.
#include <algorithm>
#include <vector>

#include "tests/bench/client.h"

namespace {

std::string question(const std::string& name, int type, int edns) {
  std::string message("\0\0\1\0\0\1\0\0\0\0\0\0", 12);
  message[11] = edns > 0 ? '\1' : '\0';
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t dot = std::min(name.find('.', at), name.size());
    message += static_cast<char>(dot - at);
    message += name.substr(at, dot - at);
    at = dot + 1;
  }
  message += '\0';
  for (const int number : {type, 1}) {
    message += static_cast<char>(number >> 8);
    message += static_cast<char>(number);
  }
  if (edns > 0) {
    message += std::string("\0\0\x29", 3);
    message += static_cast<char>(edns >> 8);
    message += static_cast<char>(edns);
    message.append(6, '\0');
  }
  return message;
}

struct Socket {
  int fd = -1;
  bench::Clock::time_point sent{};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(stderr, "dns_load PORT SOCKETS COUNT NAME TYPE [EDNS]\n");
    return 2;
  }
  const long count = std::atol(argv[3]);
  const std::string message = question(argv[4], std::atoi(argv[5]), argc > 6 ? std::atoi(argv[6]) : 0);
  std::vector<Socket> sockets(static_cast<std::size_t>(std::atoi(argv[2])));
  const int poll = epoll_create1(EPOLL_CLOEXEC);
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    sockets[i].fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[1])));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(sockets[i].fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) bench::fail("connect");
    epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
    epoll_ctl(poll, EPOLL_CTL_ADD, sockets[i].fd, &event);
  }
  long sent = 0;
  long done = 0;
  long bad = 0;
  unsigned records = 0;
  std::vector<float> micros;
  const auto start = bench::Clock::now();
  const auto ask = [&](Socket& socket) {
    socket.sent = bench::Clock::now();
    if (send(socket.fd, message.data(), message.size(), 0) < 0) bench::fail("send");
    ++sent;
  };
  for (Socket& socket : sockets) {
    if (sent < count) ask(socket);
  }
  epoll_event events[256];
  char buffer[65536];
  while (done < count) {
    const int ready = epoll_wait(poll, events, 256, 10000);
    if (ready <= 0) bench::fail("no answer within 10 s");
    for (int i = 0; i < ready; ++i) {
      Socket& socket = sockets[events[i].data.u64];
      const ssize_t got = recv(socket.fd, buffer, sizeof buffer, 0);
      if (got < 12) bench::fail("recv");
      micros.push_back(std::chrono::duration<float, std::micro>(bench::Clock::now() - socket.sent).count());
      records = static_cast<unsigned char>(buffer[6]) << 8 | static_cast<unsigned char>(buffer[7]);
      if ((buffer[3] & 15) != 0 || records == 0) ++bad;
      ++done;
      if (sent < count) ask(socket);
    }
  }
  const double seconds = bench::seconds_since(start);
  std::sort(micros.begin(), micros.end());
  const auto rank = [&](double part) { return micros[static_cast<std::size_t>(part * double(micros.size() - 1))]; };
  std::printf(
      "{\"rate\": %.0f, \"p50_us\": %.1f, \"p99_us\": %.1f, \"bad\": %ld, \"records\": %u, \"seconds\": %.3f}\n",
      double(count) / seconds, rank(0.5), rank(0.99), bad, records, seconds);
  return bad == 0 ? 0 : 1;
}
