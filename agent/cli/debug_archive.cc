#include "agent/cli/debug_archive.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "agent/cli/files.h"
#include "agent/cli/text.h"
#include "raft/gzip.h"
#include "raft/tar.h"

namespace proconsul::agent::cli {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using base::Result;

class FileSink final : public raft::ByteSink {
 public:
  explicit FileSink(int fd) : fd_(fd) {}
  Result<> write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return {Errc::unavailable, "write: " + errno_text(errno)};
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }

 private:
  int fd_;
};

// The folder and all below it, parents first.
Result<std::vector<fs::path>> listing(const std::string& folder) {
  std::error_code failed;
  std::vector<fs::path> paths{folder};
  for (auto at = fs::recursive_directory_iterator(folder, failed); !failed && at != fs::end(at); at.increment(failed)) {
    paths.push_back(at->path());
  }
  if (failed) return {Errc::internal, "failed to walk filepath for archive: " + failed.message()};
  std::ranges::sort(paths);
  return paths;
}

Result<> write_members(const std::string& folder, raft::ByteSink& out) {
  const Result<std::vector<fs::path>> paths = listing(folder);
  if (!paths) return paths.error();
  const fs::path parent = fs::path(folder).parent_path();
  for (const fs::path& path : *paths) {
    struct stat info{};
    if (::lstat(path.c_str(), &info) != 0) {
      return {Errc::internal, "failed to walk filepath for archive: " + errno_text(errno)};
    }
    const bool is_folder = S_ISDIR(info.st_mode);
    if (!is_folder && !S_ISREG(info.st_mode)) continue;
    std::string content;
    if (!is_folder) {
      Result<std::string> read = read_file(path.string());
      if (!read) return {Errc::internal, "failed to open target files for archive: " + read.error().detail};
      content = std::move(*read);
    }
    std::string name = fs::relative(path, parent.empty() ? fs::path(".") : parent).string();
    if (is_folder) name += '/';
    const std::string header = raft::tar_header({.name = name,
                                                 .size = content.size(),
                                                 .unix_seconds = info.st_mtime,
                                                 .mode = info.st_mode & 0777u,
                                                 .directory = is_folder});
    if (Result<> written = out.write(header + content + raft::tar_padding(content.size())); !written) return written;
  }
  return out.write(std::string(2 * raft::kTarBlock, '\0'));
}

Result<> write_archive(const std::string& folder, int fd) {
  FileSink file(fd);
  raft::GzipSink packed(file);
  if (Result<> written = write_members(folder, packed); !written) return written;
  if (Result<> finished = packed.finish(); !finished) return finished;
  if (::fsync(fd) != 0) return {Errc::unavailable, "fsync: " + errno_text(errno)};
  return {};
}

}  // namespace

Result<> archive_folder(const std::string& folder, const std::string& path) {
  std::string temporary = path + ".tmpXXXXXX";
  const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return {Errc::internal, "failed to create compressed temp archive: " + errno_text(errno)};
  Result<> written = write_archive(folder, fd);
  ::close(fd);
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0) {
    written = {Errc::internal, "rename " + temporary + ' ' + path + ": " + errno_text(errno)};
  }
  if (!written) {
    ::unlink(temporary.c_str());
    return written;
  }
  const std::string parent = fs::path(path).parent_path().string();
  if (const int folder_fd = ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      folder_fd >= 0) {
    ::fsync(folder_fd);  // the new name, too
    ::close(folder_fd);
  }
  return {};
}

}  // namespace proconsul::agent::cli
