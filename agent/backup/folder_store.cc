#include "agent/backup/folder_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/files.h"
#include "base/net/socket.h"

namespace proconsul::agent::backup {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using base::Error;
using base::Result;

constexpr std::size_t kPiece = 256 * 1024;

Error failed(const char* what, const std::string& path, int error) {
  return {Errc::unavailable, std::string(what) + ' ' + path + ": " + base::net::errno_text(error)};
}

Result<> write_all(const std::string& path, raft::ScratchFile& archive) {
  const base::net::Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return failed("open", path, errno);
  archive.rewind();
  std::string buffer(kPiece, '\0');
  for (;;) {
    Result<std::size_t> got = archive.read(buffer);
    if (!got) return got.error();
    if (*got == 0) break;
    for (std::string_view left(buffer.data(), *got); !left.empty();) {
      const ssize_t size = ::write(file.get(), left.data(), left.size());
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) return failed("write", path, size < 0 ? errno : ENOSPC);
      left.remove_prefix(static_cast<std::size_t>(size));
    }
  }
  if (::fsync(file.get()) != 0) return failed("sync", path, errno);
  return {};
}

}  // namespace

Result<> FolderStore::put(const std::string& name, raft::ScratchFile& archive) {
  std::error_code code;
  fs::create_directories(folder_, code);
  if (code) return failed("mkdir", folder_, code.value());
  const std::string path = folder_ + '/' + name;
  const std::string temporary = folder_ + "/." + name + ".tmp";
  Result<> written = write_all(temporary, archive);
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0) written = failed("rename", temporary, errno);
  if (!written) {
    ::unlink(temporary.c_str());
    return written;
  }
  const base::net::Fd directory(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0) return failed("sync", folder_, errno);
  return {};
}

Result<std::vector<std::string>> FolderStore::list(const std::string& beginning) {
  std::vector<std::string> names;
  std::error_code code;
  for (auto at = fs::directory_iterator(folder_, code); !code && at != fs::directory_iterator(); at.increment(code)) {
    std::string name = at->path().filename().string();
    if (name.starts_with(beginning)) names.push_back(std::move(name));
  }
  if (code && code != std::errc::no_such_file_or_directory) return failed("open", folder_, code.value());
  return names;
}

Result<> FolderStore::remove(const std::string& name) {
  return base::remove_file(folder_ + '/' + name);
}

}  // namespace proconsul::agent::backup
