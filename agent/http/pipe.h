// The connection's ends of a pipe: a body that a thread writes, an upload that a thread reads.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "agent/http/reply.h"
#include "base/net/pipe.h"
#include "raft/pipe.h"

namespace proconsul::agent::http {

using base::net::Pipe;
using raft::PipeSink;
using raft::PipeSource;

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
