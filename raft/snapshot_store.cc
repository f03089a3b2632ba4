#include "raft/snapshot_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "raft/checksum.h"
#include "raft/snapshot_meta.h"

namespace proconsul::raft {
namespace {

using base::Errc;
using base::Error;
using base::Result;

constexpr std::size_t kBuffer = 256u << 10;
constexpr std::uint64_t kPush = 2u << 20;
constexpr std::string_view kTemporary = ".tmp";

Error system_error(const std::string& path, int error) {
  return {Errc::unavailable, path + ": " + std::strerror(error)};
}

Result<> write_all(int file, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return system_error(path, written < 0 ? errno : ENOSPC);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<> sync_directory(const std::string& path) {
  const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return system_error(path, errno);
  const int failed = ::fsync(directory) != 0 ? errno : 0;
  ::close(directory);
  if (failed != 0) return system_error(path, failed);
  return {};
}

Result<> write_durably(const std::string& path, std::string_view bytes) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return system_error(path, errno);
  Result<> written = write_all(file, bytes, path);
  if (written && ::fsync(file) != 0) written = system_error(path, errno);
  ::close(file);
  return written;
}

Result<std::string> read_small(const std::string& path, std::size_t limit) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return system_error(path, errno);
  std::string text(limit + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(file, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int error = errno;
      ::close(file);
      return system_error(path, error);
    }
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  ::close(file);
  text.resize(size);
  return text;
}

struct Name {
  std::uint64_t term, index, milliseconds;
  auto operator<=>(const Name&) const = default;
};
bool parse_name(std::string_view text, Name& name) {
  std::uint64_t* parts[] = {&name.term, &name.index, &name.milliseconds};
  for (int i = 0; i < 3; ++i) {
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), *parts[i]);
    if (failed != std::errc{}) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (i < 2) {
      if (!text.starts_with('-')) return false;
      text.remove_prefix(1);
    }
  }
  return text.empty();
}

Result<MetaFile> read_meta(const std::string& directory, const std::string& id) {
  const std::string where = "snapshot " + directory + "/" + id + ": ";
  Result<std::string> text = read_small(directory + "/" + id + "/meta.json", kMaxMetaBytes);
  if (!text) return {Errc::corrupt, where + text.error().detail};
  Result<MetaFile> file = decode_meta(*text);
  if (!file) return {Errc::corrupt, where + file.error().detail};
  Name name;
  if (!parse_name(id, name) || name.term != file->meta.term.value || name.index != file->meta.index.value) {
    return {Errc::corrupt, where + "meta.json is of another snapshot"};
  }
  if (!file->crc) return {Errc::corrupt, where + "meta.json has no CRC"};
  struct stat status{};
  if (::stat((directory + "/" + id + "/state.bin").c_str(), &status) != 0) {
    return {Errc::corrupt, where + "state.bin: " + std::strerror(errno)};
  }
  if (static_cast<std::uint64_t>(status.st_size) != file->meta.size) {
    return {Errc::corrupt, where + "state.bin has " + std::to_string(status.st_size) + " bytes instead of " +
                               std::to_string(file->meta.size)};
  }
  file->meta.id = id;
  return file;
}

}  // namespace

Result<std::unique_ptr<SnapshotStore>> SnapshotStore::open(std::string directory, std::size_t retain) {
  std::error_code failed;
  std::filesystem::create_directories(directory, failed);
  if (failed) return {Errc::unavailable, directory + ": " + failed.message()};
  std::unique_ptr<SnapshotStore> store(new SnapshotStore(std::move(directory), std::max<std::size_t>(retain, 1)));
  for (const auto& item : std::filesystem::directory_iterator(store->directory_, failed)) {
    if (item.path().filename().string().ends_with(kTemporary)) std::filesystem::remove_all(item.path(), failed);
  }
  return store;
}

Result<std::unique_ptr<SnapshotWriter>> SnapshotStore::create(SnapshotMeta meta) {
  if (meta.id.empty()) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    auto milliseconds = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
    {
      const std::lock_guard lock(changing_);
      milliseconds = last_milliseconds_ = std::max(milliseconds, last_milliseconds_ + 1);  // ids never repeat
    }
    meta.id =
        std::to_string(meta.term.value) + "-" + std::to_string(meta.index.value) + "-" + std::to_string(milliseconds);
  }
  std::unique_ptr<SnapshotWriter> writer(new SnapshotWriter(*this, std::move(meta)));
  writer->meta_.size = 0;
  writer->temporary_ = directory_ + "/" + writer->meta_.id + std::string(kTemporary);
  if (::mkdir(writer->temporary_.c_str(), 0700) != 0) {
    const int error = errno;
    const std::string path = std::exchange(writer->temporary_, {});
    return system_error(path, error);
  }
  const std::string path = writer->temporary_ + "/state.bin";
  writer->file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (writer->file_ < 0) return system_error(path, errno);
  writer->buffer_.reserve(kBuffer);
  return writer;
}

SnapshotWriter::~SnapshotWriter() {
  if (file_ >= 0) ::close(file_);
  std::error_code ignored;
  if (!temporary_.empty()) std::filesystem::remove_all(temporary_, ignored);
}

Error SnapshotWriter::failed(const char* what) const {
  return system_error(temporary_ + "/" + what, errno);
}

Result<> SnapshotWriter::flush() {
  if (buffer_.empty()) return {};
  crc_ = crc64_ecma(buffer_, crc_);
  if (Result<> written = write_all(file_, buffer_, temporary_ + "/state.bin"); !written) return written;
  meta_.size += buffer_.size();
  buffer_.clear();
  // Written out as we go: one flush of everything at the end would make the log's own syncs wait for it.
  if (meta_.size - pushed_ >= kPush) {
    ::sync_file_range(file_, static_cast<off64_t>(pushed_), static_cast<off64_t>(meta_.size - pushed_),
                      SYNC_FILE_RANGE_WRITE);
    pushed_ = meta_.size;
  }
  return {};
}

Result<> SnapshotWriter::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t part = std::min(bytes.size(), kBuffer - buffer_.size());
    buffer_.append(bytes.substr(0, part));
    bytes.remove_prefix(part);
    if (buffer_.size() == kBuffer) {
      if (Result<> flushed = flush(); !flushed) return flushed;
    }
  }
  return {};
}

Result<SnapshotMeta> SnapshotWriter::commit() {
  if (Result<> flushed = flush(); !flushed) return flushed.error();
  if (::fsync(file_) != 0) return failed("state.bin");
  ::close(std::exchange(file_, -1));
  if (Result<> written = write_durably(temporary_ + "/meta.json", encode_meta({meta_, crc_})); !written)
    return written.error();
  if (Result<> synced = sync_directory(temporary_); !synced) return synced.error();
  {
    const std::lock_guard lock(store_.changing_);
    if (::rename(temporary_.c_str(), (store_.directory_ + "/" + meta_.id).c_str()) != 0) return failed("");
    temporary_.clear();
    if (Result<> synced = sync_directory(store_.directory_); !synced) return synced.error();
    store_.reap();
  }
  return meta_;
}

std::vector<SnapshotStore::Listed> SnapshotStore::list() const {
  std::vector<std::pair<Name, std::string>> names;
  std::error_code failed;
  for (const auto& item : std::filesystem::directory_iterator(directory_, failed)) {
    Name name;
    std::string id = item.path().filename().string();
    if (parse_name(id, name)) names.emplace_back(name, std::move(id));
  }
  std::sort(names.begin(), names.end(), std::greater<>());
  std::vector<Listed> listed;
  for (auto& [name, id] : names) {
    Result<MetaFile> file = read_meta(directory_, id);
    Result<SnapshotMeta> meta = file ? Result<SnapshotMeta>(std::move(file->meta)) : Result<SnapshotMeta>(file.error());
    listed.push_back({std::move(id), {name.index}, {name.term}, std::move(meta)});
  }
  return listed;
}

// Broken ones go only when enough good ones are newer: until then an operator may want to look at them.
void SnapshotStore::reap() {
  std::size_t good = 0;
  for (const Listed& snapshot : list()) {
    std::error_code ignored;
    if (good >= retain_) std::filesystem::remove_all(directory_ + "/" + snapshot.id, ignored);
    if (snapshot.meta) ++good;
  }
}

Result<std::unique_ptr<SnapshotReader>> SnapshotStore::read(const std::string& id) const {
  Result<MetaFile> file = read_meta(directory_, id);
  if (!file) return file.error();
  std::unique_ptr<SnapshotReader> reader(new SnapshotReader);
  reader->path_ = directory_ + "/" + id;
  reader->file_ = ::open((reader->path_ + "/state.bin").c_str(), O_RDONLY | O_CLOEXEC);
  if (reader->file_ < 0) return system_error(reader->path_ + "/state.bin", errno);
  reader->meta_ = std::move(file->meta);
  reader->expected_ = *file->crc;
  return reader;
}

Result<> SnapshotStore::verify(const std::string& id) const {
  Result<std::unique_ptr<SnapshotReader>> reader = read(id);
  if (!reader) return reader.error();
  std::string buffer(kBuffer, '\0');
  for (;;) {
    Result<std::size_t> got = (*reader)->read(buffer);
    if (!got) return got.error();
    if (*got == 0) return {};
  }
}

SnapshotReader::~SnapshotReader() {
  if (file_ >= 0) ::close(file_);
}

Result<std::size_t> SnapshotReader::read(std::span<char> buffer) {
  if (buffer.empty()) return {Errc::internal, "snapshot read into an empty buffer"};
  ssize_t got;
  do {
    got = ::read(file_, buffer.data(), buffer.size());
  } while (got < 0 && errno == EINTR);
  if (got < 0) return system_error(path_ + "/state.bin", errno);
  if (got == 0) {
    if (seen_ != meta_.size) return {Errc::corrupt, "snapshot " + path_ + ": state.bin is truncated"};
    if (crc_ != expected_) return {Errc::corrupt, "snapshot " + path_ + ": checksum mismatch in state.bin"};
    return std::size_t{0};
  }
  crc_ = crc64_ecma({buffer.data(), static_cast<std::size_t>(got)}, crc_);
  seen_ += static_cast<std::uint64_t>(got);
  return static_cast<std::size_t>(got);
}

}  // namespace proconsul::raft
