// The replicated commands by number, how one is encoded for the log, and what the state machine answers.
// Numbers and bodies: fsm.md of the wire reference.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "base/msgpack.h"
#include "base/result.h"
#include "catalog/types/txn.h"

namespace proconsul::catalog {

enum class Command : std::uint8_t {
  register_ = 0,
  deregister = 1,
  kvs = 2,
  session = 3,
  tombstone = 5,
  coordinate_batch = 6,
  txn = 8,
  autopilot = 9,
  system_metadata = 31,
};

/// Log.Data: the number, then the body in msgpack.
template <class Request>
std::string encode_command(Command command, const Request& request) {
  std::string data(1, static_cast<char>(command));
  base::MsgpackWriter writer(data);
  writer.object(request);
  return data;
}

/// What became of an applied command. An Error is the command's own (it changed nothing), not raft's.
struct ApplyResult {
  std::variant<std::monostate, bool, std::uint64_t, std::string, TxnResponse, base::Error> value{};

  /// The command's error, if it failed.
  const base::Error* error() const { return std::get_if<base::Error>(&value); }
  /// Of cas, lock and the like; true for what answers nothing.
  bool succeeded() const {
    const bool* answer = std::get_if<bool>(&value);
    return error() == nullptr && (answer == nullptr || *answer);
  }
};

}  // namespace proconsul::catalog
