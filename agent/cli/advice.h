// What to do next, below an error of the network or of a permission: which address and token were used, where they came
// from, and how to give others. The error's own text stays as Consul's.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"

namespace proconsul::agent::cli {

/// Collects advice while a command runs; each piece once. Any thread.
class Advice {
 public:
  /// Where address and token came from: "-http-addr", "CONSUL_HTTP_TOKEN_FILE (/run/token)"; no token: "".
  void set_sources(std::string address_source, std::string token_source);
  /// A request to `url` got no answer.
  void failed(const std::string& url, const base::Error& error);
  /// The agent answered 403.
  void forbidden();

  std::vector<std::string> lines() const;

 private:
  void add(std::string line);

  mutable std::mutex mutex_{};
  std::string address_source_{};
  std::string token_source_{};
  std::vector<std::string> lines_{};
};

}  // namespace proconsul::agent::cli
