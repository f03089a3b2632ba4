#include "raft/wire.h"

#include <type_traits>
#include <utility>

#include "base/msgpack.h"
#include "raft/configuration.h"

namespace proconsul::raft {

namespace {

using base::Errc;
using base::MsgpackHandle;
using base::MsgpackReader;
using base::MsgpackWriter;

constexpr std::size_t kMaxEntries = 65536;

// Raws that are empty are nil: an empty Extensions makes a Go peer take the entry for a chunk and panic.
void raw_or_nil(MsgpackWriter& writer, std::string_view bytes) {
  if (bytes.empty()) {
    writer.nil();
  } else {
    writer.bytes(bytes);
  }
}

// Keys go out in byte order, as Go's encoder has them.
struct Fields {
  MsgpackWriter& writer;
  const Header& self;

  void raw(std::string_view key, std::string_view bytes) { writer.string(key), raw_or_nil(writer, bytes); }
  void number(std::string_view key, std::uint64_t value) { writer.string(key), writer.unsigned_integer(value); }
  void flag(std::string_view key, bool value) { writer.string(key), writer.boolean(value); }
  void address() { raw("Addr", self.address); }
  void id() { raw("ID", self.id.value); }
  void version() { writer.string("ProtocolVersion"), writer.integer(self.protocol_version); }
};

void write_entry(MsgpackWriter& writer, const Entry& entry) {
  Fields out{writer, {}};
  writer.map(6);
  writer.string("AppendedAt");
  writer.time(entry.appended_at);
  out.raw("Data", entry.data);
  out.raw("Extensions", entry.extensions);
  out.number("Index", entry.index.value);
  out.number("Term", entry.term.value);
  out.number("Type", static_cast<std::uint64_t>(entry.type));
}

void write(Fields out, const AppendRequest& request) {
  out.writer.map(9);
  out.address();
  out.writer.string("Entries");
  if (request.entries.empty()) {
    out.writer.nil();
  } else {
    out.writer.array(request.entries.size());
    for (const EntryPtr& entry : request.entries) write_entry(out.writer, *entry);
  }
  out.id();
  out.raw("Leader", out.self.address);
  out.number("LeaderCommitIndex", request.commit.value);
  out.number("PrevLogEntry", request.prev_index.value);
  out.number("PrevLogTerm", request.prev_term.value);
  out.version();
  out.number("Term", request.term.value);
}

void write(Fields out, const AppendResponse& answer) {
  out.writer.map(7);
  out.address();
  out.id();
  out.number("LastLog", answer.last_index.value);
  out.flag("NoRetryBackoff", answer.no_retry_backoff);
  out.version();
  out.flag("Success", answer.success);
  out.number("Term", answer.term.value);
}

void write(Fields out, const VoteRequest& request) {
  out.writer.map(8);
  out.address();
  out.raw("Candidate", out.self.address);
  out.id();
  out.number("LastLogIndex", request.last_index.value);
  out.number("LastLogTerm", request.last_term.value);
  out.flag("LeadershipTransfer", request.leadership_transfer);
  out.version();
  out.number("Term", request.term.value);
}

void write(Fields out, const VoteResponse& answer) {
  out.writer.map(6);
  out.address();
  out.flag("Granted", answer.granted);
  out.id();
  out.raw("Peers", {});
  out.version();
  out.number("Term", answer.term.value);
}

void write(Fields out, const PreVoteRequest& request) {
  out.writer.map(6);
  out.address();
  out.id();
  out.number("LastLogIndex", request.last_index.value);
  out.number("LastLogTerm", request.last_term.value);
  out.version();
  out.number("Term", request.term.value);
}

void write(Fields out, const PreVoteResponse& answer) {
  out.writer.map(5);
  out.address();
  out.flag("Granted", answer.granted);
  out.id();
  out.version();
  out.number("Term", answer.term.value);
}

void write(Fields out, const SnapshotRequest& request) {
  out.writer.map(12);
  out.address();
  out.raw("Configuration", encode(request.meta.configuration));
  out.number("ConfigurationIndex", request.meta.configuration_index.value);
  out.id();
  out.number("LastLogIndex", request.meta.index.value);
  out.number("LastLogTerm", request.meta.term.value);
  out.raw("Leader", out.self.address);
  out.raw("Peers", encode_peers(request.meta.configuration));
  out.version();
  out.writer.string("Size");
  out.writer.integer(static_cast<std::int64_t>(request.meta.size));
  out.writer.string("SnapshotVersion");
  out.writer.integer(1);
  out.number("Term", request.term.value);
}

void write(Fields out, const SnapshotResponse& answer) {
  out.writer.map(5);
  out.address();
  out.id();
  out.version();
  out.flag("Success", answer.success);
  out.number("Term", answer.term.value);
}

void write_header_only(Fields out) {
  out.writer.map(3);
  out.address();
  out.id();
  out.version();
}
void write(Fields out, const TimeoutNowRequest&) {
  write_header_only(out);
}
void write(Fields out, const TimeoutNowResponse&) {
  write_header_only(out);
}

EntryPtr read_entry(MsgpackReader& reader) {
  auto entry = std::make_shared<Entry>();
  for (std::size_t keys = reader.map(); keys > 0 && reader.ok(); --keys) {
    const std::string_view key = reader.string();
    if (key == "AppendedAt") {
      entry->appended_at = reader.time();
    } else if (key == "Data") {
      entry->data = reader.bytes();
    } else if (key == "Extensions") {
      entry->extensions = reader.bytes();
    } else if (key == "Index") {
      entry->index.value = reader.unsigned_integer();
    } else if (key == "Term") {
      entry->term.value = reader.unsigned_integer();
    } else if (key == "Type") {
      entry->type = static_cast<EntryType>(reader.unsigned_integer(8));
      if (entry->type > EntryType::configuration) reader.fail("unknown type of log entry");
    } else {
      reader.skip();
    }
  }
  return entry;
}

// Every field of every body; which of them count depends on the type.
struct Fold {
  Header header{.id = {}, .address = {}, .protocol_version = 0};
  Term term{};
  std::string leader{};  // the address in messages of old peers that lack a header
  std::vector<EntryPtr> entries{};
  LogIndex prev_index{}, commit{}, last_index{}, last_log{}, configuration_index{};
  Term prev_term{}, last_term{};
  std::string configuration{}, peers{};
  std::uint64_t size{};
  std::int64_t snapshot_version{};
  bool success{}, granted{}, no_retry_backoff{}, leadership_transfer{};
};

bool read_header(MsgpackReader& reader, std::string_view key, Fold& fold) {
  if (key == "Addr") {
    fold.header.address = reader.bytes();
  } else if (key == "ID") {
    fold.header.id.value = reader.bytes();
  } else if (key == "ProtocolVersion") {
    fold.header.protocol_version = static_cast<int>(reader.integer(32));
  } else if (key == "Term") {
    fold.term.value = reader.unsigned_integer();
  } else {
    return false;
  }
  return true;
}

bool read_number(MsgpackReader& reader, std::string_view key, Fold& fold) {
  static constexpr std::pair<std::string_view, LogIndex Fold::*> kIndexes[] = {
      {"PrevLogEntry", &Fold::prev_index},
      {"LeaderCommitIndex", &Fold::commit},
      {"LastLogIndex", &Fold::last_index},
      {"LastLog", &Fold::last_log},
      {"ConfigurationIndex", &Fold::configuration_index},
  };
  for (const auto& [name, member] : kIndexes) {
    if (key == name) return (fold.*member).value = reader.unsigned_integer(), true;
  }
  static constexpr std::pair<std::string_view, bool Fold::*> kFlags[] = {
      {"Success", &Fold::success},
      {"Granted", &Fold::granted},
      {"NoRetryBackoff", &Fold::no_retry_backoff},
      {"LeadershipTransfer", &Fold::leadership_transfer},
  };
  for (const auto& [name, member] : kFlags) {
    if (key == name) return fold.*member = reader.boolean(), true;
  }
  if (key == "PrevLogTerm") return fold.prev_term.value = reader.unsigned_integer(), true;
  if (key == "LastLogTerm") return fold.last_term.value = reader.unsigned_integer(), true;
  return false;
}

Fold read_fold(MsgpackReader& reader) {
  Fold fold;
  for (std::size_t keys = reader.map(); keys > 0 && reader.ok(); --keys) {
    const std::string_view key = reader.string();
    if (read_header(reader, key, fold) || read_number(reader, key, fold)) continue;
    if (key == "Leader" || key == "Candidate") {
      fold.leader = reader.bytes();
    } else if (key == "Entries") {
      const std::size_t count = reader.array();
      if (count > kMaxEntries) reader.fail("too many log entries");
      fold.entries.clear();
      for (std::size_t i = 0; i < count && reader.ok(); ++i) fold.entries.push_back(read_entry(reader));
    } else if (key == "Configuration") {
      fold.configuration = reader.bytes();
    } else if (key == "Peers") {
      fold.peers = reader.bytes();
    } else if (key == "Size") {
      const std::int64_t size = reader.integer();
      if (size < 0) reader.fail("negative size of a snapshot");
      fold.size = static_cast<std::uint64_t>(size);
    } else if (key == "SnapshotVersion") {
      fold.snapshot_version = reader.integer();
    } else {
      reader.skip();
    }
  }
  if (fold.header.address.empty()) fold.header.address = fold.leader;
  return fold;
}

base::Error undecodable(const MsgpackReader& reader) {
  const base::Result<> status = reader.status();
  return {Errc::invalid_argument, "failed to decode raft message" + (status ? "" : ": " + status.error().detail)};
}

base::Result<SnapshotMeta> snapshot_meta(const Fold& fold) {
  SnapshotMeta meta{.index = fold.last_index, .term = fold.last_term, .size = fold.size};
  if (fold.snapshot_version < 0 || fold.snapshot_version > 1) {
    return base::Error{Errc::invalid_argument, "unsupported snapshot version " + std::to_string(fold.snapshot_version)};
  }
  // Version 0 knew no configurations, only the list of peers, which came with the snapshot itself.
  const bool old = fold.snapshot_version == 0;
  base::Result<Configuration> configuration = old ? decode_peers(fold.peers) : decode_configuration(fold.configuration);
  if (!configuration) return base::Error{Errc::invalid_argument, configuration.error().detail};
  meta.configuration = std::move(*configuration);
  meta.configuration_index = old ? fold.last_index : fold.configuration_index;
  return meta;
}

}  // namespace

RpcType rpc_type(const Body& request) {
  if (std::holds_alternative<AppendRequest>(request)) return RpcType::append_entries;
  if (std::holds_alternative<VoteRequest>(request)) return RpcType::request_vote;
  if (std::holds_alternative<SnapshotRequest>(request)) return RpcType::install_snapshot;
  if (std::holds_alternative<TimeoutNowRequest>(request)) return RpcType::timeout_now;
  return RpcType::request_pre_vote;
}

void append_request(std::string& out, const Header& self, const Body& request) {
  out.push_back(static_cast<char>(rpc_type(request)));
  MsgpackWriter writer(out, MsgpackHandle::raft);
  std::visit([&](const auto& body) { write(Fields{writer, self}, body); }, request);
}

void append_answer(std::string& out, const Header& self, const Body* answer, std::string_view error) {
  MsgpackWriter writer(out, MsgpackHandle::raft);
  writer.string(error);
  if (answer == nullptr) return writer.nil();
  std::visit([&](const auto& body) { write(Fields{writer, self}, body); }, *answer);
}

base::Result<WireRequest> read_request(RpcType type, std::string_view bytes) {
  MsgpackReader reader(bytes, MsgpackHandle::raft);
  Fold fold = read_fold(reader);
  if (!reader.ok()) return undecodable(reader);
  if (fold.header.protocol_version < 2 || fold.header.protocol_version > 3) {
    return base::Error{Errc::invalid_argument, "operation not supported with current protocol version"};
  }
  WireRequest request{std::move(fold.header), {}};
  switch (type) {
    case RpcType::append_entries:
      request.body = AppendRequest{fold.term, fold.prev_index, fold.prev_term, std::move(fold.entries), fold.commit};
      break;
    case RpcType::request_vote:
      request.body = VoteRequest{fold.term, fold.last_index, fold.last_term, fold.leadership_transfer};
      break;
    case RpcType::install_snapshot: {
      base::Result<SnapshotMeta> meta = snapshot_meta(fold);
      if (!meta) return meta.error();
      request.body = SnapshotRequest{fold.term, std::move(*meta)};
      break;
    }
    case RpcType::timeout_now:
      request.body = TimeoutNowRequest{};
      break;
    case RpcType::request_pre_vote:
      request.body = PreVoteRequest{fold.term, fold.last_index, fold.last_term};
      break;
    default:
      return base::Error{Errc::invalid_argument, "unknown rpc type " + std::to_string(static_cast<int>(type))};
  }
  return request;
}

base::Result<WireAnswer> read_answer(const Body& request, std::string_view bytes) {
  MsgpackReader reader(bytes, MsgpackHandle::raft);
  WireAnswer answer;
  answer.error = reader.string();
  const Fold fold = read_fold(reader);
  if (!reader.ok()) return undecodable(reader);
  answer.header = fold.header;
  switch (rpc_type(request)) {
    case RpcType::append_entries:
      answer.body = AppendResponse{fold.term, fold.last_log, fold.success, fold.no_retry_backoff};
      break;
    case RpcType::request_vote:
      answer.body = VoteResponse{fold.term, fold.granted};
      break;
    case RpcType::install_snapshot:
      answer.body = SnapshotResponse{fold.term, fold.success};
      break;
    case RpcType::timeout_now:
      answer.body = TimeoutNowResponse{};
      break;
    case RpcType::request_pre_vote: {
      PreVoteResponse response{fold.term, fold.granted};
      if (answer.error.find("unexpected command") != std::string::npos) {
        response = {std::get<PreVoteRequest>(request).term, true};
        answer.error.clear();
      }
      answer.body = response;
      break;
    }
  }
  return answer;
}

}  // namespace proconsul::raft
