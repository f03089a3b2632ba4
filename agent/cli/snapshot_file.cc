#include "agent/cli/snapshot_file.h"

#include <algorithm>
#include <fstream>

#include "agent/cli/files.h"
#include "raft/archive.h"
#include "raft/snapshot_meta.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Result;

class FileSource final : public raft::ByteSource {
 public:
  explicit FileSource(const std::string& path) : path_(path), file_(path, std::ios::binary) {}
  Result<std::size_t> read(std::span<char> buffer) override {
    file_.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    if (file_.bad()) return {Errc::internal, "read " + path_ + ": input/output error"};
    return static_cast<std::size_t>(file_.gcount());
  }

 private:
  std::string path_;
  std::ifstream file_;
};

class TextSink final : public raft::ByteSink {
 public:
  explicit TextSink(std::string& out) : out_(out) {}
  Result<> write(std::string_view bytes) override {
    out_ += bytes;
    return {};
  }

 private:
  std::string& out_;
};

SnapshotSummary::Metadata shown(const raft::SnapshotMeta& meta) {
  return {.ID = meta.id,
          .Size = static_cast<std::int64_t>(meta.size),
          .Index = meta.index.value,
          .Term = meta.term.value,
          .Version = 1};  // the only version there is, and the readers refuse others
}

std::string shown_json(const raft::SnapshotMeta& meta) {
  std::string json = raft::encode_meta({.meta = meta});
  json.pop_back();  // the final newline
  return json;
}

// "state.bin" in any letter case.
bool is_bare_state(const std::string& name) {
  return std::ranges::equal(name, std::string_view("state.bin"),
                            [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a | 0x20 : a) == b; });
}

Result<SnapshotFile> read_bare_state(const std::string& path, std::size_t name_at) {
  Result<std::string> state = read_file(path);
  if (!state) return {state.error().code, "Error opening snapshot file: " + state.error().detail};
  const Result<std::string> json = read_file(path.substr(0, name_at) + "meta.json");
  if (!json) return {json.error().code, "Error reading meta.json from internal snapshot dir: " + json.error().detail};
  const Result<raft::MetaFile> meta = raft::decode_meta(*json);
  if (!meta) return {meta.error().code, "Error parsing meta.json from internal snapshot dir: " + meta.error().detail};
  return SnapshotFile{.meta = shown(meta->meta), .meta_json = shown_json(meta->meta), .state = std::move(*state)};
}

}  // namespace

Result<SnapshotFile> read_snapshot_file(const std::string& path) {
  const std::size_t name_at = path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1;
  if (is_bare_state(path.substr(name_at))) return read_bare_state(path, name_at);
  if (Result<> readable = check_readable(path); !readable) {
    return {readable.error().code, "Error opening snapshot file: " + readable.error().detail};
  }
  FileSource archive(path);
  SnapshotFile file;
  TextSink sink(file.state);
  const Result<raft::SnapshotMeta> meta = raft::read_archive(archive, sink);
  if (!meta) return {meta.error().code, "Error reading snapshot: " + meta.error().detail};
  file.meta = shown(*meta);
  file.meta_json = shown_json(*meta);
  return file;
}

Result<> verify_snapshot_file(const std::string& path) {
  FileSource archive(path);
  raft::NullSink nothing;
  const Result<raft::SnapshotMeta> meta = raft::read_archive(archive, nothing);
  if (!meta) return meta.error();
  return {};
}

}  // namespace proconsul::agent::cli
