#include "agent/cli/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

#include "agent/cli/text.h"
#include "base/files.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Result;

constexpr std::size_t kMaxFileBytes = std::size_t{1} << 30;

}  // namespace

Result<std::string> read_file(const std::string& path) {
  return base::read_file(path, kMaxFileBytes);
}

Result<> check_readable(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {Errc::not_found, "open " + path + ": " + errno_text(errno)};
  ::close(fd);
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
