#include "base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

namespace proconsul::base {
namespace {

/// Closes on the way out.
struct Descriptor {
  explicit Descriptor(int number) : number(number) {}
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number;
};

Error system_error(const char* action, const std::string& path) {
  const int code = errno;
  std::string text = std::generic_category().message(code);
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] - 'A' + 'a');
  const Errc errc = code == ENOENT                     ? Errc::not_found
                    : code == ENOSPC || code == EDQUOT ? Errc::unavailable
                    : code == EACCES || code == EPERM  ? Errc::permission_denied
                                                       : Errc::internal;
  return {errc, std::string(action) + " " + path + ": " + text};
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number < 0) return system_error("open", path);
  std::string content;
  char block[16384];
  while (true) {
    const ssize_t count = ::read(file.number, block, sizeof block);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("read", path);
    if (count == 0) return content;
    content.append(block, static_cast<std::size_t>(count));
    if (content.size() > limit) {
      return Error{Errc::too_large, "read " + path + ": larger than " + std::to_string(limit) + " bytes"};
    }
  }
}

Result<> write_file_atomically(const std::string& path, std::string_view content, unsigned mode, bool durable) {
  const std::string temporary = path + ".tmp";
  {
    const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (file.number < 0) return system_error("open", temporary);
    const auto give_up = [&](const char* action) {
      Error error = system_error(action, temporary);
      ::unlink(temporary.c_str());
      return error;
    };
    for (std::string_view rest = content; !rest.empty();) {
      const ssize_t count = ::write(file.number, rest.data(), rest.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return give_up("write");
      rest.remove_prefix(static_cast<std::size_t>(count));
    }
    if (durable && ::fsync(file.number) != 0) return give_up("sync");
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    Error error = system_error("rename", temporary);
    ::unlink(temporary.c_str());
    return error;
  }
  if (durable) {
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.number >= 0) ::fsync(directory.number);
  }
  return {};
}

Result<> remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return system_error("remove", path);
  return {};
}

}  // namespace proconsul::base
