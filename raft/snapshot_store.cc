#include "raft/snapshot_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <mutex>

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

class DiskStore;

class DiskWriter final : public SnapshotWriter {
 public:
  DiskWriter(DiskStore& store, SnapshotMeta meta) : store_(store), meta_(std::move(meta)) {}
  ~DiskWriter() override;
  Result<> start(const std::string& directory);
  Result<> write(std::string_view bytes) override;
  Result<SnapshotMeta> commit() override;

 private:
  Result<> flush();

  DiskStore& store_;
  SnapshotMeta meta_;
  std::string temporary_;  // its directory until commit
  std::string buffer_;
  int file_ = -1;
  std::uint64_t crc_ = 0;
  std::uint64_t pushed_ = 0;  // bytes that the kernel was told to write
};

class DiskReader final : public SnapshotReader {
 public:
  DiskReader(std::string path, MetaFile file) : path_(std::move(path)), file_meta_(std::move(file)) {}
  ~DiskReader() override {
    if (file_ >= 0) ::close(file_);
  }
  Result<> start();
  Result<std::size_t> read(std::span<char> buffer) override;
  const SnapshotMeta& meta() const override { return file_meta_.meta; }

 private:
  std::string path_;
  MetaFile file_meta_;
  int file_ = -1;
  std::uint64_t crc_ = 0, seen_ = 0;
};

class DiskStore final : public SnapshotStore {
 public:
  DiskStore(std::string directory, std::size_t retain)
      : directory_(std::move(directory)), retain_(std::max<std::size_t>(retain, 1)) {}
  Result<std::unique_ptr<SnapshotWriter>> create(SnapshotMeta meta) override;
  Result<std::unique_ptr<SnapshotReader>> read(const std::string& id) const override;
  std::vector<Listed> list() const override;
  Result<> publish(const std::string& temporary, const std::string& id);

 private:
  void reap();

  const std::string directory_;
  const std::size_t retain_;
  std::mutex changing_;  // one rename and reaping at a time
};

Result<> DiskWriter::start(const std::string& directory) {
  const std::string temporary = directory + "/" + meta_.id + std::string(kTemporary);
  if (::mkdir(temporary.c_str(), 0700) != 0) return system_error(temporary, errno);
  temporary_ = temporary;
  const std::string path = temporary_ + "/state.bin";
  file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file_ < 0) return system_error(path, errno);
  buffer_.reserve(kBuffer);
  return {};
}

DiskWriter::~DiskWriter() {
  if (file_ >= 0) ::close(file_);
  std::error_code ignored;
  if (!temporary_.empty()) std::filesystem::remove_all(temporary_, ignored);
}

Result<> DiskWriter::flush() {
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

Result<> DiskWriter::write(std::string_view bytes) {
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

Result<SnapshotMeta> DiskWriter::commit() {
  if (Result<> flushed = flush(); !flushed) return flushed.error();
  if (::fsync(file_) != 0) return system_error(temporary_ + "/state.bin", errno);
  ::close(std::exchange(file_, -1));
  if (Result<> written = write_durably(temporary_ + "/meta.json", encode_meta({meta_, crc_})); !written)
    return written.error();
  if (Result<> synced = sync_directory(temporary_); !synced) return synced.error();
  if (Result<> published = store_.publish(temporary_, meta_.id); !published) return published.error();
  temporary_.clear();
  return meta_;
}

Result<> DiskReader::start() {
  file_ = ::open((path_ + "/state.bin").c_str(), O_RDONLY | O_CLOEXEC);
  if (file_ < 0) return system_error(path_ + "/state.bin", errno);
  return {};
}

Result<std::size_t> DiskReader::read(std::span<char> buffer) {
  if (buffer.empty()) return {Errc::internal, "snapshot read into an empty buffer"};
  ssize_t got;
  do {
    got = ::read(file_, buffer.data(), buffer.size());
  } while (got < 0 && errno == EINTR);
  if (got < 0) return system_error(path_ + "/state.bin", errno);
  if (got == 0) {
    if (seen_ != file_meta_.meta.size) return {Errc::corrupt, "snapshot " + path_ + ": state.bin is truncated"};
    if (crc_ != file_meta_.crc) return {Errc::corrupt, "snapshot " + path_ + ": checksum mismatch in state.bin"};
    return std::size_t{0};
  }
  crc_ = crc64_ecma({buffer.data(), static_cast<std::size_t>(got)}, crc_);
  seen_ += static_cast<std::uint64_t>(got);
  return static_cast<std::size_t>(got);
}

Result<std::unique_ptr<SnapshotWriter>> DiskStore::create(SnapshotMeta meta) {
  if (meta.id.empty()) meta.id = new_snapshot_id(meta.term, meta.index);
  meta.size = 0;
  auto writer = std::make_unique<DiskWriter>(*this, std::move(meta));
  if (Result<> started = writer->start(directory_); !started) return started.error();
  return std::unique_ptr<SnapshotWriter>(std::move(writer));
}

Result<std::unique_ptr<SnapshotReader>> DiskStore::read(const std::string& id) const {
  Result<MetaFile> file = read_meta(directory_, id);
  if (!file) return file.error();
  auto reader = std::make_unique<DiskReader>(directory_ + "/" + id, std::move(*file));
  if (Result<> started = reader->start(); !started) return started.error();
  return std::unique_ptr<SnapshotReader>(std::move(reader));
}

Result<> DiskStore::publish(const std::string& temporary, const std::string& id) {
  const std::lock_guard lock(changing_);
  if (::rename(temporary.c_str(), (directory_ + "/" + id).c_str()) != 0) return system_error(temporary, errno);
  Result<> synced = sync_directory(directory_);
  if (synced) reap();
  return synced;
}

std::vector<SnapshotStore::Listed> DiskStore::list() const {
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
void DiskStore::reap() {
  std::size_t good = 0;
  for (const Listed& snapshot : list()) {
    std::error_code ignored;
    if (good >= retain_) std::filesystem::remove_all(directory_ + "/" + snapshot.id, ignored);
    if (snapshot.meta) ++good;
  }
}

struct Kept {
  SnapshotMeta meta;
  std::string state;
};

class MemoryStore final : public SnapshotStore {
 public:
  class Writer final : public SnapshotWriter {
   public:
    Writer(MemoryStore& store, SnapshotMeta meta) : store_(store), kept_(std::make_shared<Kept>()) {
      kept_->meta = std::move(meta);
    }
    Result<> write(std::string_view bytes) override {
      kept_->state += bytes;
      return {};
    }
    Result<SnapshotMeta> commit() override {
      kept_->meta.size = kept_->state.size();
      kept_->state.shrink_to_fit();
      const std::lock_guard lock(store_.changing_);
      store_.newest_ = kept_;
      return kept_->meta;
    }

   private:
    MemoryStore& store_;
    std::shared_ptr<Kept> kept_;
  };
  class Reader final : public SnapshotReader {
   public:
    explicit Reader(std::shared_ptr<const Kept> kept) : kept_(std::move(kept)) {}
    Result<std::size_t> read(std::span<char> buffer) override {
      const std::size_t size = kept_->state.copy(buffer.data(), buffer.size(), at_);
      at_ += size;
      return size;
    }
    const SnapshotMeta& meta() const override { return kept_->meta; }

   private:
    std::shared_ptr<const Kept> kept_;
    std::size_t at_ = 0;
  };

  Result<std::unique_ptr<SnapshotWriter>> create(SnapshotMeta meta) override {
    if (meta.id.empty()) meta.id = new_snapshot_id(meta.term, meta.index);
    return std::unique_ptr<SnapshotWriter>(std::make_unique<Writer>(*this, std::move(meta)));
  }
  Result<std::unique_ptr<SnapshotReader>> read(const std::string& id) const override {
    const std::lock_guard lock(changing_);
    if (!newest_ || newest_->meta.id != id) return {Errc::not_found, "snapshot " + id + " is not kept"};
    return std::unique_ptr<SnapshotReader>(std::make_unique<Reader>(newest_));
  }
  std::vector<Listed> list() const override {
    const std::lock_guard lock(changing_);
    std::vector<Listed> listed;
    if (newest_) listed.push_back({newest_->meta.id, newest_->meta.index, newest_->meta.term, newest_->meta});
    return listed;
  }

 private:
  mutable std::mutex changing_;
  std::shared_ptr<const Kept> newest_;
};

}  // namespace

std::string new_snapshot_id(Term term, LogIndex index) {
  static std::atomic<std::int64_t> last{0};
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  std::int64_t milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  std::int64_t before = last.load();
  do {
    milliseconds = std::max(milliseconds, before + 1);
  } while (!last.compare_exchange_weak(before, milliseconds));
  return std::to_string(term.value) + "-" + std::to_string(index.value) + "-" + std::to_string(milliseconds);
}

Result<std::unique_ptr<SnapshotStore>> SnapshotStore::open(std::string directory, std::size_t retain) {
  std::error_code failed;
  std::filesystem::create_directories(directory, failed);
  if (failed) return {Errc::unavailable, directory + ": " + failed.message()};
  for (const auto& item : std::filesystem::directory_iterator(directory, failed)) {
    if (item.path().filename().string().ends_with(kTemporary)) std::filesystem::remove_all(item.path(), failed);
  }
  return std::unique_ptr<SnapshotStore>(std::make_unique<DiskStore>(std::move(directory), retain));
}

std::unique_ptr<SnapshotStore> SnapshotStore::to_read(std::string directory) {
  return std::make_unique<DiskStore>(std::move(directory), 1);
}

std::unique_ptr<SnapshotStore> SnapshotStore::in_memory() {
  return std::make_unique<MemoryStore>();
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

}  // namespace proconsul::raft
