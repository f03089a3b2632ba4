// A tiny HTTP server on loopback for the tests of the commands: it answers every request with what it was told, and
// remembers the requests.
#pragma once

#include <condition_variable>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "agent/cli/cli.h"

namespace proconsul::agent::cli {

class TestAgent {
 public:
  /// Among the answers: nothing is said, and the connection stays.
  static constexpr const char* kNoAnswer = "no answer";

  TestAgent();
  ~TestAgent();

  std::string address() const;
  /// Answers from now on, in turn; the last one repeats. Each is a whole HTTP answer.
  void answer(std::vector<std::string> answers);
  /// "HTTP/1.1 `status` ..." with a length.
  static std::string reply(int status, const std::string& body, const std::string& headers = "");
  /// First line, headers and body of each request so far.
  std::vector<std::string> requests();

 private:
  void serve();

  int listener_{-1};
  std::mutex mutex_;
  std::vector<std::string> answers_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

/// One command line against an agent, and what it left behind.
struct Outcome {
  int code{};
  std::string out{};
  std::string err{};
};
Outcome run_line(std::vector<std::string> arguments, const std::map<std::string, std::string>& variables = {},
                 const std::string& input = "");

}  // namespace proconsul::agent::cli
