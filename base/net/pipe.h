// Bytes between a connection, which must never wait, and a thread, which may.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace proconsul::base::net {

/// Bounded. One end belongs to a loop (offer or pull), the other to a thread (read or write).
class Pipe {
 public:
  /// later: nothing yet, `wake` will be called; failed: what came before is not whole.
  enum class State : std::uint8_t { more, later, end, failed };

  // The loop's end. `wake` is called once, from the other thread, when it is worth trying again.
  /// Takes all; false: no more until `wake`.
  bool offer(std::string_view bytes, std::move_only_function<void()> wake);
  State pull(std::string& out, std::size_t limit, std::move_only_function<void()> wake);

  // The thread's end; both wait.
  Result<std::size_t> read(std::span<char> buffer);
  Result<> write(std::string_view bytes);

  /// No more bytes will come. With an error the reader must not trust what it got.
  void end(std::optional<Error> error = std::nullopt);
  /// The reader is gone: writing fails from now on.
  void abandon();

 private:
  static constexpr std::size_t kMost = 256 * 1024;
  void wake_loop(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_{};
  std::condition_variable changed_{};
  std::string bytes_{};
  std::size_t taken_ = 0;  // of bytes_
  std::move_only_function<void()> wake_{};
  bool ended_ = false;
  bool abandoned_ = false;
  std::optional<Error> error_{};
};

}  // namespace proconsul::base::net
