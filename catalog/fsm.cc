#include "catalog/fsm.h"

#include <string>

namespace proconsul::catalog {

using base::Errc;
using base::Error;
using base::Result;

namespace {

constexpr std::uint8_t kCheckpoint = 41;

std::string hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::uint8_t number_of(std::string_view data) {
  return static_cast<std::uint8_t>(static_cast<unsigned char>(data.front()) & ~kIgnoreUnknown);
}

}  // namespace

Result<ApplyResult> StateMachine::apply(const LogCommand& command) {
  if (command.data.empty()) {
    return Error{Errc::corrupt, "failed to apply request: entry " + std::to_string(command.index) + " is empty"};
  }
  // Extensions mean a part of a larger command; only the log verifier's marks have other ones.
  if (command.extensions.empty() || number_of(command.data) == kCheckpoint) {
    return apply_whole(command.index, command.data);
  }
  store_.writer().begin_command(command.index);
  Result<std::optional<std::string>> whole = chunks_.add(command.term, command.data, command.extensions);
  if (!whole) return ApplyResult{whole.error()};
  if (!*whole) return ApplyResult{Incomplete{}};
  return apply_whole(command.index, **whole);
}

Result<ApplyResult> StateMachine::apply_whole(std::uint64_t index, std::string_view data) {
  store_.writer().begin_command(index);
  const std::uint8_t number = number_of(data);
  const bool may_ignore = (static_cast<unsigned char>(data.front()) & kIgnoreUnknown) != 0;
  const CommandRow* row = find_command(number);
  const std::string where = " (log entry " + std::to_string(index) + ")";
  if (!row) {
    if (may_ignore) return ApplyResult{};  // from a newer server, which says that it does no harm
    return Error{Errc::corrupt, "failed to apply request: unknown command type " + std::to_string(number) + " in " +
                                    hex(data.substr(0, 16)) + where};
  }
  if (!row->apply) {
    return Error{Errc::corrupt, "this server version cannot apply command type " + std::to_string(number) + " (" +
                                    row->name + ")" + where};
  }
  Result<ApplyResult> applied = row->apply(store_.writer(), data.substr(1));
  if (!applied) {
    return Error{applied.error().code, std::string(row->name) + ": " + applied.error().detail + where};
  }
  return applied;
}

void StateMachine::replace(Tables tables, ChunkCollector chunks, std::uint64_t applied_index) {
  chunks_ = std::move(chunks);
  store_.replace(std::move(tables), applied_index);
}

}  // namespace proconsul::catalog
