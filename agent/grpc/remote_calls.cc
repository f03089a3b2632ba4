#include "agent/grpc/remote_calls.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace proconsul::agent::grpc {

using base::Result;
using base::net::Clock;
using base::net::H2Fields;
using base::net::Loop;

namespace {

constexpr std::chrono::milliseconds kPause{100};

Status closing() {
  return {Code::cancelled, "grpc: the client connection is closing"};
}

}  // namespace

/// One call, on one loop.
class RemoteCalls::Job final : Client::User, base::net::Timer {
 public:
  Job(RemoteCalls& owner, Loop& loop, std::string path, const std::string& request, H2Fields fields, CallDone done)
      : owner_(owner), loop_(loop), path_(std::move(path)), fields_(std::move(fields)), done_(std::move(done)) {
    auto frame = std::make_shared<std::string>();
    append_frame(*frame, [&] { *frame += request; });
    request_ = std::move(frame);
  }
  void begin() {
    if (!done_) return;  // stopped meanwhile
    give_up_ = Clock::now() + std::chrono::nanoseconds(owner_.means_.hold.nanoseconds);
    attempt();
  }
  Loop& loop() const { return loop_; }
  void finish(std::expected<CallReply, Status> result) {
    cancel();
    call_.reset();
    if (CallDone done = std::exchange(done_, nullptr)) done(std::move(result));
    // Perhaps this is on the stack.
    std::shared_ptr<Job> self;
    {
      const std::lock_guard lock(owner_.mutex_);
      const auto found = owner_.jobs_.find(this);
      if (found == owner_.jobs_.end()) return;
      self = std::move(found->second);
      owner_.jobs_.erase(found);
    }
    loop_.post([dead = std::move(self)] {});
  }

 private:
  void attempt() {
    Result<rpc::Target> target = owner_.means_.choose();
    if (!target) return again({Code::unknown, target.error().detail});
    target_ = std::move(*target);
    call_ = owner_.client_.call(loop_, target_, path_, request_, *this, fields_);
  }
  void on_timer() override { attempt(); }
  void again(Status status) {
    if (Clock::now() >= give_up_) return finish(std::unexpected(std::move(status)));
    arm(loop_, Clock::now() + kPause);
  }
  void received(Frames message) override {
    reply_.message = message->substr(kFrameHead);
    call_->consumed(message->size());
  }
  void ended(Status status, bool unprocessed) override {
    call_.reset();
    if (status.code == Code::ok) return finish(std::move(reply_));
    const bool unheard = unprocessed || status.message.starts_with("connection error");
    if (!unheard) return finish(std::unexpected(std::move(status)));
    if (owner_.means_.unreachable) owner_.means_.unreachable(target_);
    again(std::move(status));
  }

  RemoteCalls& owner_;
  Loop& loop_;
  const std::string path_;
  const H2Fields fields_;
  Frames request_{};
  CallDone done_;
  rpc::Target target_{};
  std::unique_ptr<Client::Call> call_{};
  CallReply reply_{};
  Clock::time_point give_up_{};
};

RemoteCalls::RemoteCalls(base::net::Loops& loops, Client& client, Means means)
    : loops_(loops), client_(client), means_(std::move(means)) {}

void RemoteCalls::call(std::string path, const std::string& request, H2Fields fields, CallDone done) {
  Loop& loop = loops_.next();
  auto job = std::make_shared<Job>(*this, loop, std::move(path), request, std::move(fields), std::move(done));
  bool stopped = false;
  {
    const std::lock_guard lock(mutex_);
    stopped = stopped_;
    if (!stopped) jobs_.emplace(job.get(), job);
  }
  if (stopped) return job->finish(std::unexpected(closing()));
  loop.post([job] { job->begin(); });
}

void RemoteCalls::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopped_, true)) return;
  }
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    loops_[i].run([&] {
      std::vector<std::shared_ptr<Job>> mine;
      {
        const std::lock_guard lock(mutex_);
        for (const auto& [key, job] : jobs_) {
          if (&job->loop() == &loops_[i]) mine.push_back(job);
        }
      }
      for (const auto& job : mine) job->finish(std::unexpected(closing()));
    });
  }
}

}  // namespace proconsul::agent::grpc
