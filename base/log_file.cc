#include <fcntl.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <vector>

#include "base/log_sinks.h"

namespace proconsul::base::log {
namespace {

using Clock = std::chrono::system_clock;
constexpr auto kDefaultAge = std::chrono::hours(24);

class RotatingFile final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit RotatingFile(const Options& options)
      : age_(options.rotate_after.count() > 0 ? options.rotate_after : kDefaultAge),
        most_bytes_(options.rotate_bytes),
        most_files_(options.rotate_files) {
    const std::size_t slash = options.file.rfind('/');
    folder_ = slash == std::string::npos ? "." : options.file.substr(0, slash + 1);
    name_ = slash == std::string::npos ? options.file : options.file.substr(slash + 1);
    if (name_.empty()) name_ = "consul.log";
    const std::size_t dot = name_.rfind('.');
    stem_ = name_.substr(0, dot) + "-";
    extension_ = dot == std::string::npos ? ".log" : name_.substr(dot);
  }
  ~RotatingFile() override {
    if (fd_ >= 0) ::close(fd_);
  }
  Result<> open() {
    const std::string path = (folder_ / name_).string();
    fd_ = ::open(path.c_str(), O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0640);
    struct stat status{};
    if (fd_ < 0 || ::fstat(fd_, &status) != 0) {
      return Error{Errc::unavailable, "Failed to setup logging: open " + path + ": " + reason()};
    }
    // An old file that is gone on with may be due already.
    const auto changed = std::chrono::seconds(status.st_ctim.tv_sec) + std::chrono::nanoseconds(status.st_ctim.tv_nsec);
    begun_ = Clock::time_point(std::chrono::duration_cast<Clock::duration>(changed));
    written_ = 0;
    return {};
  }
  Result<> prune() const {
    if (most_files_ == 0) return {};
    std::vector<std::filesystem::path> old;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
      const std::string name = entry.path().filename().string();
      if (name.size() >= stem_.size() + extension_.size() && name.starts_with(stem_) && name.ends_with(extension_)) {
        old.push_back(entry.path());
      }
    }
    std::sort(old.begin(), old.end());
    const std::size_t keep = most_files_ < 0 ? 0 : static_cast<std::size_t>(most_files_);
    for (std::size_t i = 0; i + keep < old.size(); ++i) {
      if (::unlink(old[i].c_str()) != 0) {
        return Error{Errc::unavailable, "Failed to prune log files: remove " + old[i].string() + ": " + reason()};
      }
    }
    return {};
  }

 private:
  static std::string reason() {
    std::string text = std::strerror(errno);
    if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] + 32);
    return text;
  }
  void sink_it_(const spdlog::details::log_msg& message) override {
    const bool too_big = most_bytes_ > 0 && written_ >= most_bytes_;
    if (fd_ >= 0 && (too_big || Clock::now() - begun_ >= age_)) rotate();
    if (fd_ < 0 && !open()) return;
    const ssize_t count = ::write(fd_, message.payload.data(), message.payload.size());
    if (count > 0) written_ += count;
  }
  void flush_() override {}

  void rotate() {
    ::close(fd_);
    fd_ = -1;
    const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count();
    std::error_code ignored;
    std::filesystem::rename(folder_ / name_, folder_ / (stem_ + std::to_string(now) + extension_), ignored);
    (void)prune();
    (void)open();
  }

  const std::chrono::nanoseconds age_;
  const std::int64_t most_bytes_;
  const std::int64_t most_files_;
  std::filesystem::path folder_{};
  std::string name_{}, stem_{}, extension_{};
  int fd_ = -1;
  Clock::time_point begun_{};
  std::int64_t written_ = 0;
};

}  // namespace

Result<SinkPtr> open_log_file(const Options& options) {
  auto file = std::make_shared<RotatingFile>(options);
  if (Result<> pruned = file->prune(); !pruned) return pruned.error();
  if (Result<> opened = file->open(); !opened) return opened.error();
  return SinkPtr(std::move(file));
}

}  // namespace proconsul::base::log
