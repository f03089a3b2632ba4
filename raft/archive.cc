#include "raft/archive.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "raft/gzip.h"
#include "raft/snapshot_meta.h"
#include "raft/tar.h"

namespace proconsul::raft {
namespace {

using base::Errc;
using base::Error;
using base::Result;

constexpr std::size_t kBuffer = 256u << 10;
constexpr std::size_t kMaxSums = 64u << 10;
constexpr std::size_t kMaxExtended = 64u << 10;
constexpr int kMaxMembers = 16;

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new()) { EVP_DigestInit_ex(context_, EVP_sha256(), nullptr); }
  ~Sha256() { EVP_MD_CTX_free(context_); }
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::string_view bytes) { EVP_DigestUpdate(context_, bytes.data(), bytes.size()); }
  std::string hex() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_DigestFinal_ex(context_, digest, &size);
    std::string text;
    for (unsigned i = 0; i < size; ++i) {
      text += "0123456789abcdef"[digest[i] >> 4];
      text += "0123456789abcdef"[digest[i] & 15];
    }
    return text;
  }

 private:
  EVP_MD_CTX* context_;
};

// ---- Reading ----

Error invalid(std::string detail) {
  return {Errc::invalid_argument, std::move(detail)};
}

class TarReader {
 public:
  explicit TarReader(ByteSource& in) : in_(in), buffer_(kBuffer, '\0') {}

  struct Member {
    std::string name;
    std::uint64_t size;
    char type;
  };
  /// Nothing at the end of the archive.
  Result<std::optional<Member>> next() {
    std::string header;
    Result<std::size_t> got = take(header, kTarBlock);
    if (!got) return got.error();
    if (*got == 0) return std::optional<Member>();
    if (*got < kTarBlock) return invalid("unexpected EOF");
    if (header.find_first_not_of('\0') == std::string::npos) {
      got = take(header, kTarBlock);
      if (!got) return got.error();
      if (*got == 0) return std::optional<Member>();
      if (*got == kTarBlock && header.find_first_not_of('\0') == std::string::npos) return std::optional<Member>();
      return invalid("archive/tar: invalid tar header");
    }
    Member member{header.substr(0, 100), 0, header[156]};
    member.name.resize(std::min(member.name.find('\0'), member.name.size()));
    std::uint64_t wanted = 0, sum = 0;
    if (!number(std::string_view(header).substr(148, 8), wanted)) return invalid("archive/tar: invalid tar header");
    for (std::size_t i = 0; i < kTarBlock; ++i)
      sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(header[i]);
    if (sum != wanted || !number(std::string_view(header).substr(124, 12), member.size)) {
      return invalid("archive/tar: invalid tar header");
    }
    return std::optional<Member>(std::move(member));
  }

  /// The bytes of the member whose header was just read, and their padding.
  template <class Take>
  Result<> content(std::uint64_t size, Take take_piece) {
    for (std::uint64_t left = size; left > 0;) {
      Result<std::string_view> piece = some(left);
      if (!piece) return piece.error();
      if (piece->empty()) return invalid("unexpected EOF");
      left -= piece->size();
      if (Result<> taken = take_piece(*piece); !taken) return taken;
    }
    std::string ignored;
    const std::size_t pad = (kTarBlock - size % kTarBlock) % kTarBlock;
    Result<std::size_t> got = take(ignored, pad);
    if (!got) return got.error();
    // The last padding may be missing, as long as nothing follows.
    if (*got < pad && *got > 0) return invalid("unexpected EOF");
    return {};
  }

  /// Counts what follows the end of the archive.
  Result<std::uint64_t> rest() {
    for (std::uint64_t count = 0;;) {
      Result<std::string_view> piece = some(kBuffer);
      if (!piece) return piece.error();
      if (piece->empty()) return count;
      count += piece->size();
    }
  }

 private:
  static bool number(std::string_view field, std::uint64_t& value) {
    value = 0;
    if (!field.empty() && (field[0] & '\x80') != 0) {
      if ((field[0] & 0x7f) != 0) return false;
      for (char byte : field.substr(1)) {
        if (value >> 56 != 0) return false;
        value = value << 8 | static_cast<unsigned char>(byte);
      }
      return value >> 62 == 0;
    }
    bool ended = false;
    for (char byte : field) {
      if (byte == ' ' || byte == '\0') {
        ended = ended || value != 0 || byte == '\0';
      } else if (byte < '0' || byte > '7' || ended) {
        return false;
      } else {
        value = value * 8 + static_cast<unsigned>(byte - '0');
      }
    }
    return true;
  }

  Result<std::string_view> some(std::uint64_t limit) {
    if (at_ == end_) {
      Result<std::size_t> got = in_.read(buffer_);
      if (!got) return got.error();
      at_ = 0;
      end_ = *got;
    }
    const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(limit, end_ - at_));
    const std::string_view piece(buffer_.data() + at_, size);
    at_ += size;
    return piece;
  }
  Result<std::size_t> take(std::string& out, std::size_t size) {
    out.clear();
    while (out.size() < size) {
      Result<std::string_view> piece = some(size - out.size());
      if (!piece) return piece.error();
      if (piece->empty()) break;
      out += *piece;
    }
    return out.size();
  }

  ByteSource& in_;
  std::string buffer_;
  std::size_t at_ = 0, end_ = 0;
};

std::string quoted(std::string_view name) {
  std::string text = "\"";
  for (unsigned char byte : name) {
    if (byte == '"' || byte == '\\') {
      text += '\\';
      text += static_cast<char>(byte);
    } else if (byte < 0x20 || byte >= 0x7f) {
      text += "\\x";
      text += "0123456789abcdef"[byte >> 4];
      text += "0123456789abcdef"[byte & 15];
    } else {
      text += static_cast<char>(byte);
    }
  }
  return text + '"';
}

Result<> check_sums(std::string_view sums, const std::string& meta, const std::string& state) {
  bool meta_seen = false, state_seen = false;
  while (!sums.empty()) {
    const std::size_t end = std::min(sums.find('\n'), sums.size());
    std::string_view line = sums.substr(0, end);
    sums.remove_prefix(std::min(end + 1, sums.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::size_t space = line.find(' ');
    if (space == line.npos) return invalid("malformed line in SHA256SUMS");
    std::string hash(line.substr(0, space));
    for (char& digit : hash) digit = digit >= 'A' && digit <= 'F' ? static_cast<char>(digit + 32) : digit;
    line.remove_prefix(space);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (line != "meta.json" && line != "state.bin") return invalid("list missing hash for " + quoted(line));
    if (hash != (line == "meta.json" ? meta : state)) return invalid("hash check failed for " + quoted(line));
    (line == "meta.json" ? meta_seen : state_seen) = true;
  }
  if (!meta_seen) return invalid("file missing for \"meta.json\"");
  if (!state_seen) return invalid("file missing for \"state.bin\"");
  return {};
}

/// Errors of the sink pass as they are; what the bytes say wrong gets its prefix.
Error prefixed(std::string_view prefix, const Error& error) {
  if (error.code != Errc::invalid_argument) return error;
  return {error.code, std::string(prefix) + error.detail};
}

}  // namespace

Result<std::unique_ptr<ScratchFile>> ScratchFile::create(const std::string& directory) {
  const char* configured = std::getenv("TMPDIR");
  const std::string where = !directory.empty()                             ? directory
                            : configured != nullptr && *configured != '\0' ? configured
                                                                           : "/tmp";
  int file = ::open(where.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file < 0) {  // not every file system can
    std::string pattern = where + "/snapshot-XXXXXX";
    file = ::mkostemp(pattern.data(), O_CLOEXEC);
    if (file >= 0) ::unlink(pattern.c_str());
  }
  if (file < 0)
    return {Errc::unavailable, "failed to create temp snapshot file: " + where + ": " + std::strerror(errno)};
  return std::unique_ptr<ScratchFile>(new ScratchFile(file));
}

ScratchFile::~ScratchFile() {
  ::close(file_);
}

Result<> ScratchFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return {Errc::unavailable, std::string("failed to write temp snapshot: ") + std::strerror(errno)};
    size_ += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<std::size_t> ScratchFile::read(std::span<char> buffer) {
  ssize_t got;
  do {
    got = ::pread(file_, buffer.data(), buffer.size(), static_cast<off_t>(position_));
  } while (got < 0 && errno == EINTR);
  if (got < 0) return {Errc::unavailable, std::string("failed to read temp snapshot: ") + std::strerror(errno)};
  position_ += static_cast<std::uint64_t>(got);
  return static_cast<std::size_t>(got);
}

Result<> write_archive(SnapshotReader& snapshot, std::int64_t unix_seconds, ByteSink& out) {
  GzipSink gzip(out);
  const auto header = [&](std::string_view name, std::uint64_t size) {
    return tar_header({.name = name, .size = size, .unix_seconds = unix_seconds});
  };
  const std::string meta = encode_meta({snapshot.meta(), {}});
  Sha256 meta_hash;
  meta_hash.update(meta);
  if (Result<> written = gzip.write(header("meta.json", meta.size()) + meta + tar_padding(meta.size())); !written)
    return written;

  const std::uint64_t size = snapshot.meta().size;
  Sha256 state_hash;
  if (Result<> written = gzip.write(header("state.bin", size)); !written) return written;
  std::string buffer(kBuffer, '\0');
  std::uint64_t seen = 0;
  for (;;) {
    Result<std::size_t> got = snapshot.read(buffer);
    if (!got) return got.error();
    if (*got == 0) break;
    seen += *got;
    const std::string_view piece(buffer.data(), *got);
    state_hash.update(piece);
    if (Result<> written = gzip.write(piece); !written) return written;
  }
  if (seen != size) return {Errc::corrupt, "snapshot " + snapshot.meta().id + " has another size than its meta says"};
  const std::string sums = meta_hash.hex() + "  meta.json\n" + state_hash.hex() + "  state.bin\n";
  const std::string end = tar_padding(size) + header("SHA256SUMS", sums.size()) + sums + tar_padding(sums.size()) +
                          std::string(2 * kTarBlock, '\0');
  if (Result<> written = gzip.write(end); !written) return written;
  return gzip.finish();
}

Result<SnapshotMeta> read_archive(ByteSource& archive, ByteSink& state, ArchiveLimits limits) {
  GunzipSource unpacked(archive);
  if (Result<> opened = unpacked.open(); !opened) return prefixed("failed to decompress snapshot: ", opened.error());
  TarReader tar(unpacked);
  std::optional<std::string> meta, sums;
  std::optional<std::uint64_t> state_size;
  Sha256 meta_hash, state_hash;
  constexpr std::string_view kFailed = "failed to read snapshot file: ";
  constexpr std::string_view kReading = "failed reading snapshot: ";

  for (int members = 0;; ++members) {
    Result<std::optional<TarReader::Member>> next = tar.next();
    if (!next) return prefixed(std::string(kFailed).append(kReading), next.error());
    if (!*next) break;
    const TarReader::Member& member = **next;
    if (members == kMaxMembers) return invalid("failed to read snapshot file: too many files in snapshot");
    const auto collect = [&](std::size_t limit, std::string& text) -> Result<> {
      if (member.size > limit) return invalid("failed to read snapshot file: " + quoted(member.name) + " is too large");
      return tar.content(member.size, [&](std::string_view piece) {
        text += piece;
        return Result<>();
      });
    };
    Result<> read;
    std::string_view part = kReading;
    if (member.type == 'x' || member.type == 'g') {  // extended attributes of the member that follows
      std::string ignored;
      read = collect(kMaxExtended, ignored);
    } else if (member.type != '0' && member.type != '\0') {
      return invalid("failed to read snapshot file: unexpected file " + quoted(member.name) + " in snapshot");
    } else if (member.name == "meta.json" && !meta) {
      part = "failed to read snapshot metadata: ";
      read = collect(kMaxMetaBytes, meta.emplace());
      if (read) meta_hash.update(*meta);
    } else if (member.name == "state.bin" && !state_size) {
      if (member.size > limits.max_state_bytes)
        return Error{Errc::too_large, "failed to read snapshot file: \"state.bin\" is too large"};
      state_size = member.size;
      part = "failed to read or write snapshot data: ";
      read = tar.content(member.size, [&](std::string_view piece) {
        state_hash.update(piece);
        return state.write(piece);
      });
    } else if (member.name == "SHA256SUMS" && !sums) {
      part = "failed to read snapshot hashes: ";
      read = collect(kMaxSums, sums.emplace());
    } else {
      return invalid("failed to read snapshot file: unexpected file " + quoted(member.name) + " in snapshot");
    }
    if (read) continue;
    const bool whole = read.error().detail.starts_with(kFailed);
    return prefixed(whole ? "" : std::string(kFailed).append(part), read.error());
  }

  const std::string empty_hash = Sha256().hex();
  if (Result<> checked = check_sums(sums ? *sums : std::string(), meta ? meta_hash.hex() : empty_hash,
                                    state_size ? state_hash.hex() : empty_hash);
      !checked) {
    return prefixed("failed to read snapshot file: failed checking integrity of snapshot: ", checked.error());
  }
  Result<std::uint64_t> rest = tar.rest();
  if (!rest) return rest.error();
  if (*rest != 0) return invalid(std::to_string(*rest) + " unread uncompressed bytes remain");
  Result<MetaFile> file = decode_meta(meta ? *meta : std::string());
  if (!file) return invalid("failed to read snapshot file: failed to decode snapshot metadata: " + file.error().detail);
  if (file->meta.size != state_size.value_or(0)) {
    return invalid("failed to read snapshot file: size didn't match (" + std::to_string(state_size.value_or(0)) +
                   " != " + std::to_string(file->meta.size) + ")");
  }
  return std::move(file->meta);
}

}  // namespace proconsul::raft
