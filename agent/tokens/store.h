// The tokens of the agent itself: for requests that bring none, for what it does by itself, for DNS.
#pragma once

#include <array>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace proconsul::agent::tokens {

enum class Kind : std::uint8_t { default_, agent, agent_recovery, replication, config_file_registration, dns };
inline constexpr std::size_t kKinds = 6;
/// Of the last part of /v1/agent/token/: "default", "acl_token" and so on. Nothing: there is none.
std::optional<Kind> kind_of(std::string_view name);

/// Safe from any thread. What came over the API stands before the configuration, and outlives the process where
/// acl.enable_token_persistence has a file for it.
class Store {
 public:
  using Tokens = std::array<std::string, kKinds>;  // by Kind
  /// `file` is empty: nothing is kept. A file that cannot be read is an error to be logged; what is configured counts.
  base::Result<> load(const Tokens& configured, std::string file);
  /// By the API. An error: it could not be kept; it holds even so.
  base::Result<> set(Kind kind, std::string token);
  /// The token itself, as it was set.
  std::string get(Kind kind) const;
  /// The agent's and DNS's, or the default one where there is none of its own.
  std::string agent() const;
  std::string dns() const;

 private:
  base::Result<> save() const;

  mutable std::mutex mutex_{};
  Tokens tokens_{};
  std::array<bool, kKinds> by_api_{};
  std::string file_{};
};

}  // namespace proconsul::agent::tokens
