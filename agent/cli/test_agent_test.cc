// The test server's own code; a file of this name belongs to the tests, not to the agent.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>

#include "agent/cli/test_agent.h"

namespace proconsul::agent::cli {
namespace {

// Reads one request from the connection; empty when the peer has closed it.
std::string read_request(int fd) {
  std::string request;
  std::size_t wanted = std::string::npos;
  char piece[4096];
  while (request.size() < wanted) {
    const ssize_t got = ::recv(fd, piece, sizeof piece, 0);
    if (got <= 0) return "";
    request.append(piece, static_cast<std::size_t>(got));
    const std::size_t head = request.find("\r\n\r\n");
    if (wanted != std::string::npos || head == std::string::npos) continue;
    wanted = head + 4;
    if (const std::size_t at = request.find("Content-Length: "); at < head) {
      std::size_t length = 0;
      std::from_chars(request.data() + at + 16, request.data() + head, length);
      wanted += length;
    }
  }
  return request;
}

}  // namespace

TestAgent::TestAgent() {
  listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
  ::listen(listener_, 8);
  thread_ = std::thread([this] { serve(); });
}

TestAgent::~TestAgent() {
  ::shutdown(listener_, SHUT_RDWR);  // wakes accept()
  thread_.join();
  ::close(listener_);
}

std::string TestAgent::address() const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

void TestAgent::answer(std::vector<std::string> answers) {
  const std::lock_guard lock(mutex_);
  answers_ = std::move(answers);
}

std::string TestAgent::reply(int status, const std::string& body, const std::string& headers) {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         headers + "\r\n" + body;
}

std::vector<std::string> TestAgent::requests() {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void TestAgent::serve() {
  while (true) {
    const int fd = ::accept(listener_, nullptr, nullptr);
    if (fd < 0) return;
    for (bool open = true; open;) {
      const std::string request = read_request(fd);
      if (request.empty()) break;
      std::string answer;
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
        if (!answers_.empty()) answer = answers_.front();
        if (answers_.size() > 1) answers_.erase(answers_.begin());
      }
      if (answer == kNoAnswer) continue;
      ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
      // An answer without a length ends with the connection, and so does one that asks for it.
      open =
          answer.find("Content-Length") != std::string::npos && answer.find("Connection: close") == std::string::npos;
    }
    ::close(fd);
  }
}

Outcome run_line(std::vector<std::string> arguments, const std::map<std::string, std::string>& variables,
                 const std::string& input) {
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  const Ui ui{.in = in, .out = out, .err = err};
  const Environment environment = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  Outcome outcome{.code = run(arguments, ui, environment)};
  outcome.out = out.str();
  outcome.err = err.str();
  return outcome;
}

}  // namespace proconsul::agent::cli
