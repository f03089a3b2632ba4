// The five RPCs of raft and their answers, with the fields that a Consul peer knows. Header (ID, Addr, ProtocolVersion)
// and encoding belong to the transport (wire.h).
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "raft/types.h"

namespace proconsul::raft {

/// A heartbeat is the form with everything but the term at zero; it is answered without looking at the log.
struct AppendRequest {
  Term term{};
  LogIndex prev_index{};
  Term prev_term{};
  std::vector<EntryPtr> entries{};  // consecutive from prev_index + 1
  LogIndex commit{};
  bool is_heartbeat() const { return prev_index.value == 0 && commit.value == 0 && entries.empty(); }
};
struct AppendResponse {
  Term term{};
  LogIndex last_index{};  // on a mismatch: where the leader should look next (LastLog on the wire)
  bool success{};
  bool no_retry_backoff{};  // a plain mismatch: try again at once
};
struct VoteRequest {
  Term term{};
  LogIndex last_index{};
  Term last_term{};
  bool leadership_transfer{};
};
struct VoteResponse {
  Term term{};
  bool granted{};
};
struct PreVoteRequest {
  Term term{};  // the term wanted
  LogIndex last_index{};
  Term last_term{};
};
struct PreVoteResponse {
  Term term{};
  bool granted{};
};
/// The header only; meta.size raw bytes follow on the wire and go from store to store, never through the core.
struct SnapshotRequest {
  Term term{};
  SnapshotMeta meta{};  // its id names the sender's copy and is not on the wire
};
struct SnapshotResponse {
  Term term{};
  bool success{};
};
struct TimeoutNowRequest {};
struct TimeoutNowResponse {};

using Body = std::variant<AppendRequest, AppendResponse, VoteRequest, VoteResponse, PreVoteRequest, PreVoteResponse,
                          SnapshotRequest, SnapshotResponse, TimeoutNowRequest, TimeoutNowResponse>;

/// A message and its other end. `call` pairs an answer with its request and is not on the wire: the sender of a request
/// chooses it, and the transport hands the answer back under the same number (it may translate in between).
struct Message {
  ServerId peer{};        // outgoing: to whom; incoming: from whom (header ID)
  std::string address{};  // of that peer (header Addr when incoming)
  std::uint64_t call{};
  Body body{};
};

}  // namespace proconsul::raft
