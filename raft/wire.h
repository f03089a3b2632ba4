// Raft's RPCs as bytes, as a Go hashicorp/raft peer reads and writes them. A request is a type byte and a body; an
// answer is an error text and a body. A snapshot's bytes follow its request and are the transport's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "raft/message.h"

namespace proconsul::raft {

enum class RpcType : std::uint8_t {
  append_entries = 0,
  request_vote = 1,
  install_snapshot = 2,
  timeout_now = 3,
  request_pre_vote = 4,
};

/// Who speaks. In answers of failed or old peers it is empty and of version 0.
struct Header {
  ServerId id{};
  std::string address{};
  int protocol_version = 3;
};

struct WireRequest {
  Header header{};
  Body body{};
};
struct WireAnswer {
  std::string error{};  // the peer's; empty when it did what was asked
  Header header{};
  Body body{};
};

RpcType rpc_type(const Body& request);

/// Appends the type byte and the body.
void append_request(std::string& out, const Header& self, const Body& request);
/// The body after the type byte. Errc::invalid_argument: not a request that this server can take.
base::Result<WireRequest> read_request(RpcType type, std::string_view body);

/// Appends the error text and the body; with an error, the body may be what there was or nothing.
void append_answer(std::string& out, const Header& self, const Body* answer, std::string_view error = {});
/// The answer to this request of ours. A peer too old for pre-votes counts as granting one.
base::Result<WireAnswer> read_answer(const Body& request, std::string_view bytes);

}  // namespace proconsul::raft
