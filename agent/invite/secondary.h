// The files of a server that joins by an invitation. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/invite/bundle.h"
#include "agent/invite/messages.h"
#include "agent/invite/token.h"

namespace proconsul::agent::invite {

/// What the operator says of the server.
struct Joiner {
  std::string datacenter{};
  std::string node{};
  std::string data_dir{};
  std::string config_dir{};
  std::string bind{};                     // empty: the agent's default
  std::int64_t bootstrap_expect{};        // 0: as many as the invitation is for
  std::vector<std::string> retry_join{};  // other servers of the datacenter
  bool gateway = true;                    // run the built-in mesh gateway
  std::string gateway_address{};          // "10.1.0.4:8443": where servers and services of the datacenter reach it
  std::string gateway_wan_address{};      // where other datacenters do; empty: there too
};

struct NewFile {
  std::string path{};
  std::string content{};
  bool secret = false;  // its owner's alone
};

/// The main one, "federation.json", comes last: it is there only when all others are.
std::vector<NewFile> files_of(const Joiner& joiner, const Token& token, const std::string& authority,
                              const Bundle& bundle, const RedeemReply& reply);
/// Its path.
std::string main_file(const Joiner& joiner);

}  // namespace proconsul::agent::invite
