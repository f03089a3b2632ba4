#include "raft/prepared_wal.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <string>
#include <string_view>

namespace proconsul::raft {
namespace {

using rocksdb::FileOptions;
using rocksdb::FSRandomRWFile;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

// Measured on ext4: append and fdatasync 130 us, of which 48 us CPU; into zeros that are on disk 83 and 27. Larger
// steps make the one write in several hundred that takes them slower, smaller ones make it less rare.
constexpr std::size_t kStep = 128u << 10;

class PreparedFile final : public FSWritableFile {
 public:
  PreparedFile(std::unique_ptr<FSRandomRWFile> file, const FileOptions& options)
      : FSWritableFile(options), file_(std::move(file)) {}

  using FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    if (IOStatus written = file_->Write(size_, data, options, debug); !written.ok()) return written;
    size_ += data.size();
    if (size_ > prepared_) {
      static const std::string zeros(kStep, '\0');
      // A disk without room for them has had room for the record.
      prepared_ = file_->Write(size_, zeros, options, debug).ok() ? size_ + kStep : size_;
    }
    return IOStatus::OK();
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override { return file_->Close(options, debug); }
  IOStatus Flush(const IOOptions& options, IODebugContext* debug) override { return file_->Flush(options, debug); }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override { return file_->Sync(options, debug); }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override { return file_->Fsync(options, debug); }
  bool IsSyncThreadSafe() const override { return true; }
  std::uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return size_; }
  // Blocks that are merely reserved would be turned into written ones through the journal.
  void PrepareWrite(std::size_t, std::size_t, const IOOptions&, IODebugContext*) override {}

 private:
  std::unique_ptr<FSRandomRWFile> file_;
  std::uint64_t size_ = 0;
  std::uint64_t prepared_ = 0;  // the file's own size, unless it is full of records
};

class PreparedFiles final : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "PreparedFiles"; }
  IOStatus NewWritableFile(const std::string& path, const FileOptions& options, std::unique_ptr<FSWritableFile>* result,
                           IODebugContext* debug) override {
    IOStatus status = FileSystemWrapper::NewWritableFile(path, options, result, debug);
    if (!status.ok() || !std::string_view(path).ends_with(".log")) return status;
    if (status = (*result)->Close({}, debug); !status.ok()) return status;
    std::unique_ptr<FSRandomRWFile> file;
    if (status = NewRandomRWFile(path, options, &file, debug); !status.ok()) return status;
    *result = std::make_unique<PreparedFile>(std::move(file), options);
    return status;
  }
};

}  // namespace

std::unique_ptr<rocksdb::Env> prepare_wals(rocksdb::Env* base) {
  if (base == nullptr) base = rocksdb::Env::Default();
  return rocksdb::NewCompositeEnv(std::make_shared<PreparedFiles>(base->GetFileSystem()));
}

}  // namespace proconsul::raft
