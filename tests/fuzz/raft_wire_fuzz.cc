// Raft RPCs from a peer: whatever arrives is refused or read, and what was read writes and reads back the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/msgpack_size.h"
#include "raft/configuration.h"
#include "raft/wire.h"

namespace raft = proconsul::raft;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  (void)proconsul::base::msgpack_size(input, 1 << 16);
  (void)raft::decode_configuration(input);
  (void)raft::decode_peers(input);
  for (const raft::Body& asked : {raft::Body(raft::AppendRequest{}), raft::Body(raft::VoteRequest{}),
                                  raft::Body(raft::PreVoteRequest{}), raft::Body(raft::SnapshotRequest{})}) {
    (void)raft::read_answer(asked, input);
  }
  if (input.empty()) return 0;
  const auto request = raft::read_request(static_cast<raft::RpcType>(input[0]), input.substr(1));
  if (!request) return 0;
  std::string once;
  raft::append_request(once, request->header, request->body);
  const auto again = raft::read_request(raft::rpc_type(request->body), std::string_view(once).substr(1));
  if (!again) std::abort();
  std::string twice;
  raft::append_request(twice, again->header, again->body);
  if (once != twice) std::abort();
  return 0;
}
