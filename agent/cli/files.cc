#include "agent/cli/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <sstream>

#include "agent/cli/text.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Result;

base::Error failure(std::string_view operation, const std::string& path) {
  return {errno == ENOENT ? Errc::not_found : Errc::internal,
          std::string(operation) + ' ' + path + ": " + errno_text(errno)};
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

Result<std::string> read_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return failure("open", path);
  std::string content;
  char piece[65536];
  while (true) {
    const ssize_t got = ::read(file.get(), piece, sizeof piece);
    if (got == 0) return content;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure("read", path);
    content.append(piece, static_cast<std::size_t>(got));
  }
}

Result<> check_readable(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return failure("open", path);
  return {};
}

Result<> write_file_atomically(const std::string& path, std::string_view content, unsigned mode) {
  const std::string temporary = path + '-' + std::to_string(::getpid()) + ".tmp";
  const auto fail = [&](std::string_view operation) {
    base::Error error = failure(operation, temporary);
    ::unlink(temporary.c_str());
    return error;
  };
  {
    const Descriptor file(::open(temporary.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, mode));
    if (file.get() < 0) return failure("open", temporary);
    for (std::string_view rest = content; !rest.empty();) {
      const ssize_t written = ::write(file.get(), rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return fail("write");
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fsync(file.get()) != 0) return fail("sync");
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return fail("rename");
  return {};
}

bool file_exists(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 || errno != ENOENT;
}

std::string read_all(std::istream& in) {
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

Result<std::string> load_data(const std::string& argument, std::istream& in) {
  if (argument == "-") return read_all(in);
  if (!argument.starts_with('@')) return argument;
  Result<std::string> content = read_file(argument.substr(1));
  if (!content) return {content.error().code, "Failed to read file: " + content.error().detail};
  return content;
}

}  // namespace proconsul::agent::cli
