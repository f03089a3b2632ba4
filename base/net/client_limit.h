// How many connections each client address has: limits.http_max_conns_per_client, limits.rpc_max_conns_per_client.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace proconsul::base::net {

class ClientLimit {
 public:
  /// From now on; connections above it stay. <= 0: no limit.
  void set_most(std::int64_t most);
  /// `remote` is a peer's address and port; a unix socket's ("@") is not counted. False: the address has as many as it
  /// may.
  bool enter(std::string_view remote);
  void leave(std::string_view remote);

 private:
  std::mutex mutex_{};
  std::int64_t most_ = 0;
  std::unordered_map<std::string, std::int64_t> open_{};
};

}  // namespace proconsul::base::net
