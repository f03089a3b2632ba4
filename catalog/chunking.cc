#include "catalog/chunking.h"

#include <algorithm>

namespace proconsul::catalog {

using base::Errc;
using base::Error;
using base::Result;

namespace {

// More parts than any command has: bounds what a mad peer makes us allocate.
constexpr std::uint64_t kMaxParts = 16 * 1024;

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void put_field(std::string& out, char tag, std::uint64_t value) {
  if (value == 0) return;  // proto3 leaves out what is zero
  out += tag;
  put_varint(out, value);
}

struct Mark {
  std::uint64_t operation{};
  std::uint64_t sequence{};
  std::uint64_t count{};
};

struct ProtoReader {
  std::string_view left;
  bool failed = false;

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      if (left.empty()) break;
      const auto byte = static_cast<unsigned char>(left.front());
      left.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << std::min(shift, 63);
      if (byte < 0x80) return value;
    }
    failed = true;
    return 0;
  }
  void skip(std::uint64_t wire_type) {
    std::uint64_t size = 0;
    if (wire_type == 0) {
      varint();
    } else if (wire_type == 1) {
      size = 8;
    } else if (wire_type == 2) {
      size = varint();
    } else if (wire_type == 5) {
      size = 4;
    } else {
      failed = true;
    }
    if (size > left.size()) failed = true;
    if (!failed) left.remove_prefix(size);
  }
};

// Protobuf: 1 op_num, 2 sequence_num, 3 num_chunks, 4 next_extensions (which no server sets).
std::optional<Mark> read_mark(std::string_view bytes) {
  Mark mark;
  ProtoReader reader{bytes};
  while (!reader.left.empty() && !reader.failed) {
    const std::uint64_t tag = reader.varint();
    switch (tag) {
      case 1 << 3:
        mark.operation = reader.varint();
        break;
      case 2 << 3:
        mark.sequence = reader.varint();
        break;
      case 3 << 3:
        mark.count = reader.varint();
        break;
      default:
        reader.skip(tag & 7);
    }
  }
  if (reader.failed || mark.sequence >= mark.count || mark.count > kMaxParts) return std::nullopt;
  return mark;
}

}  // namespace

std::vector<Chunk> cut_command(std::string data, std::uint64_t operation) {
  std::vector<Chunk> chunks;
  if (data.size() <= kMaxEntryBytes) {
    chunks.push_back({std::move(data), {}});
    return chunks;
  }
  const std::size_t count = (data.size() + kMaxEntryBytes - 1) / kMaxEntryBytes;
  for (std::size_t i = 0; i < count; ++i) {
    Chunk& chunk = chunks.emplace_back();
    chunk.data = data.substr(i * kMaxEntryBytes, kMaxEntryBytes);
    put_field(chunk.extensions, 1 << 3, operation);
    put_field(chunk.extensions, 2 << 3, i);
    put_field(chunk.extensions, 3 << 3, count);
  }
  return chunks;
}

Result<std::optional<std::string>> ChunkCollector::add(std::uint64_t term, std::string_view data,
                                                       std::string_view extensions) {
  if (term != term_) operations_.clear();  // whoever sent the rest of them is leader no more, and starts again
  term_ = term;
  const std::optional<Mark> mark = read_mark(extensions);
  if (!mark) return Error{Errc::internal, "error unmarshaling chunk info: not a part of a command"};

  Parts& parts = operations_[mark->operation];
  if (parts.empty()) parts.resize(mark->count);
  if (mark->sequence >= parts.size()) return Error{Errc::internal, "chunk number out of range"};
  parts[mark->sequence] = Part{.sequence = static_cast<std::uint32_t>(mark->sequence),
                               .count = static_cast<std::uint32_t>(mark->count),
                               .term = term,
                               .data = std::string(data)};
  const bool complete =
      std::all_of(parts.begin(), parts.end(), [](const auto& part) { return part && !part->data.empty(); });
  if (!complete) return std::optional<std::string>{};
  std::string whole;
  for (const auto& part : parts) whole += part->data;
  operations_.erase(mark->operation);
  return std::optional(std::move(whole));
}

void ChunkCollector::write(base::MsgpackWriter& writer) const {
  writer.map(1);
  writer.string("ChunkMap");
  writer.map(operations_.size());
  for (const auto& [operation, parts] : operations_) {
    writer.unsigned_integer(operation);
    writer.array(parts.size());
    for (const auto& part : parts) {
      if (!part) {
        writer.nil();
        continue;
      }
      writer.map(5);
      writer.string("Data");
      writer.bytes(part->data);
      writer.string("NumChunks");
      writer.unsigned_integer(part->count);
      writer.string("OpNum");
      writer.unsigned_integer(operation);
      writer.string("SequenceNum");
      writer.unsigned_integer(part->sequence);
      writer.string("Term");
      writer.unsigned_integer(part->term);
    }
  }
}

Result<> ChunkCollector::read(base::MsgpackReader& reader) {
  std::map<std::uint64_t, Parts> operations;
  for (std::size_t fields = reader.map(); fields > 0 && reader.ok(); --fields) {
    if (reader.string() != "ChunkMap") {
      reader.skip();
      continue;
    }
    for (std::size_t count = reader.map(); count > 0 && reader.ok(); --count) {
      Parts& parts = operations[reader.unsigned_integer()];
      const std::size_t slots = reader.array();
      if (slots > kMaxParts) return Error{Errc::corrupt, "chunking state with too many parts"};
      parts.resize(slots);
      for (auto& slot : parts) {
        if (!reader.ok()) break;
        if (reader.skip_nil()) continue;
        Part& part = slot.emplace();
        for (std::size_t keys = reader.map(); keys > 0 && reader.ok(); --keys) {
          const std::string_view key = reader.string();
          if (key == "Data") {
            part.data = reader.bytes();
          } else if (key == "NumChunks") {
            part.count = static_cast<std::uint32_t>(reader.unsigned_integer(32));
          } else if (key == "SequenceNum") {
            part.sequence = static_cast<std::uint32_t>(reader.unsigned_integer(32));
          } else if (key == "Term") {
            part.term = reader.unsigned_integer();
          } else {
            reader.skip();
          }
        }
      }
    }
  }
  if (Result<> status = reader.status(); !status) return status;
  // An operation without slots could never be completed, and would be taken for a new one.
  std::erase_if(operations, [](const auto& operation) { return operation.second.empty(); });
  operations_ = std::move(operations);
  term_ = 0;
  for (const auto& [number, parts] : operations_) {
    for (const auto& part : parts) {
      if (part) term_ = std::max(term_, part->term);
    }
  }
  return {};
}

}  // namespace proconsul::catalog
