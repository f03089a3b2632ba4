// Bytes between a connection, which must never wait, and a thread, which may.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "agent/http/reply.h"
#include "raft/stream.h"

namespace proconsul::agent::http {

/// Bounded. One end belongs to a loop (offer or pull), the other to a thread (read or write).
class Pipe {
 public:
  // The loop's end. `wake` is called once, from the other thread, when it is worth trying again.
  /// Takes all; false: no more until `wake`.
  bool offer(std::string_view bytes, std::move_only_function<void()> wake);
  BodySource::State pull(std::string& out, std::size_t limit, std::move_only_function<void()> wake);

  // The thread's end; both wait.
  base::Result<std::size_t> read(std::span<char> buffer);
  base::Result<> write(std::string_view bytes);

  /// No more bytes will come. With an error the reader must not trust what it got.
  void end(std::optional<base::Error> error = std::nullopt);
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
  std::optional<base::Error> error_{};
};

/// An upload as something to read from.
class PipeSource final : public raft::ByteSource {
 public:
  explicit PipeSource(std::shared_ptr<Pipe> pipe) : pipe_(std::move(pipe)) {}
  ~PipeSource() override { pipe_->abandon(); }
  base::Result<std::size_t> read(std::span<char> buffer) override { return pipe_->read(buffer); }

 private:
  std::shared_ptr<Pipe> pipe_;
};

/// A download as something to write to.
class PipeSink final : public raft::ByteSink {
 public:
  explicit PipeSink(std::shared_ptr<Pipe> pipe) : pipe_(std::move(pipe)) {}
  base::Result<> write(std::string_view bytes) override { return pipe_->write(bytes); }

 private:
  std::shared_ptr<Pipe> pipe_;
};

/// The connection's ends.
class PipeBody final : public BodySource {
 public:
  explicit PipeBody(std::shared_ptr<Pipe> pipe) : pipe_(std::move(pipe)) {}
  ~PipeBody() override { pipe_->abandon(); }
  State pull(std::string& out, std::size_t limit, std::move_only_function<void()> wake) override {
    return pipe_->pull(out, limit, std::move(wake));
  }

 private:
  std::shared_ptr<Pipe> pipe_;
};

class PipeUpload final : public BodySink {
 public:
  explicit PipeUpload(std::shared_ptr<Pipe> pipe) : pipe_(std::move(pipe)) {}
  ~PipeUpload() override;
  bool write(std::string_view bytes, std::move_only_function<void()> resume) override {
    return pipe_->offer(bytes, std::move(resume));
  }
  void finish() override {
    finished_ = true;
    pipe_->end();
  }

 private:
  std::shared_ptr<Pipe> pipe_;
  bool finished_ = false;
};

}  // namespace proconsul::agent::http
