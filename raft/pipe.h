// The thread's ends of a pipe as streams of a snapshot's bytes.
#pragma once

#include <memory>
#include <utility>

#include "base/net/pipe.h"
#include "raft/stream.h"

namespace proconsul::raft {

/// An upload as something to read from.
class PipeSource final : public ByteSource {
 public:
  explicit PipeSource(std::shared_ptr<base::net::Pipe> pipe) : pipe_(std::move(pipe)) {}
  ~PipeSource() override { pipe_->abandon(); }
  base::Result<std::size_t> read(std::span<char> buffer) override { return pipe_->read(buffer); }

 private:
  std::shared_ptr<base::net::Pipe> pipe_;
};

/// A download as something to write to.
class PipeSink final : public ByteSink {
 public:
  explicit PipeSink(std::shared_ptr<base::net::Pipe> pipe) : pipe_(std::move(pipe)) {}
  base::Result<> write(std::string_view bytes) override { return pipe_->write(bytes); }

 private:
  std::shared_ptr<base::net::Pipe> pipe_;
};

}  // namespace proconsul::raft
