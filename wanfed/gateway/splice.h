// One direction of a forwarded connection: bytes from one socket to another without a copy into this process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/net/socket.h"

namespace proconsul::wanfed::gateway {

struct Pipe {
  base::net::Fd read{}, write{};
};

/// Empty pipes of one loop, kept for the next connection that has bytes to wait.
class PipePool {
 public:
  /// `pipe_bytes`: how much a pipe may hold; the kernel may allow less. Not `splicing`: there are none.
  PipePool(bool splicing, std::size_t pipe_bytes) : splicing_(splicing), pipe_bytes_(pipe_bytes) {}

  /// Null: bytes must be copied, for lack of descriptors, because too many pipes are in use, or for good.
  std::unique_ptr<Pipe> take();
  /// It must be empty.
  void give_back(std::unique_ptr<Pipe> pipe);
  /// It holds bytes that nobody wants any more.
  void discard(std::unique_ptr<Pipe> pipe);
  /// The kernel does not splice these sockets: never again.
  void refuse() { splicing_ = false; }
  std::size_t in_use() const { return in_use_; }

 private:
  bool splicing_;
  std::size_t pipe_bytes_;
  std::size_t in_use_ = 0;
  std::vector<std::unique_ptr<Pipe>> idle_{};
};

/// Use on the loop's thread only.
class Flow {
 public:
  enum class State : std::uint8_t {
    reading,      // call pump() when the source has bytes
    full,         // the sink takes no more: call it when it does
    ended,        // the source's end was read, and all before it was written
    source_lost,  // error() tells
    sink_lost,
  };
  struct Tools {
    PipePool& pipes;
    std::span<char> scratch;
  };

  Flow() = default;
  Flow(const Flow&) = delete;
  /// What waits in it is lost; a pipe with bytes does not go back to the pool.
  ~Flow();

  /// Bytes that were read already and come before all others.
  void preload(std::string bytes);
  /// Moves what it can without waiting, within a fair share. Returns how many bytes the sink took.
  std::size_t pump(int source, int sink, const Tools& tools);
  State state() const { return state_; }
  /// errno
  int error() const { return error_; }
  /// Read and not yet written.
  std::size_t waiting() const { return in_pipe_ + spill_size(); }
  /// Gives a pipe back; before the pool goes.
  void close(PipePool& pipes);

 private:
  std::size_t spill_size() const { return spill_ ? spill_->size() - spilled_ : 0; }
  bool flush(int sink, const Tools& tools, std::size_t& written);
  bool flush_spill(int sink, std::size_t& written);
  bool flush_pipe(int sink, const Tools& tools, std::size_t& written);
  /// How many bytes came; 0: none now, or the state says why.
  std::size_t fill(int source, const Tools& tools);
  std::size_t copy(int source, const Tools& tools);
  void lose(State state, int error);

  std::unique_ptr<Pipe> pipe_{};          // only while bytes wait in it
  std::unique_ptr<std::string> spill_{};  // bytes that wait here instead: what came before, or cannot be spliced
  std::size_t spilled_ = 0;               // of them written
  std::size_t in_pipe_ = 0;
  int error_ = 0;
  State state_ = State::reading;
  bool source_ended_ = false;
};

}  // namespace proconsul::wanfed::gateway
