#include "agent/cli/private_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "agent/cli/text.h"

namespace proconsul::agent::cli {
namespace {

// Writes all of it, to the disk; 0 or the error's number.
int write_whole(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t count = ::write(fd, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    content.remove_prefix(static_cast<std::size_t>(count));
  }
  return ::fsync(fd) == 0 ? 0 : errno;
}

}  // namespace

base::Result<> make_parent_folder(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  if (error) return {base::Errc::internal, "mkdir " + folder.string() + ": " + errno_text(error.value())};
  return {};
}

base::Result<> write_private_file(const std::string& path, std::string_view content) {
  if (base::Result<> made = make_parent_folder(path); !made) return made;
  // Under a name that nobody can have prepared, as a link or with another mode.
  std::string temporary = path + ".XXXXXX";
  const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return {base::Errc::internal, "open " + path + ": " + errno_text(errno)};
  int failure = write_whole(fd, content);
  if (::close(fd) != 0 && failure == 0) failure = errno;
  if (failure == 0 && std::rename(temporary.c_str(), path.c_str()) != 0) failure = errno;
  if (failure == 0) return {};
  ::unlink(temporary.c_str());
  return {base::Errc::internal, "write " + path + ": " + errno_text(failure)};
}

}  // namespace proconsul::agent::cli
