#include "agent/rpc/direct_call.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "agent/rpc/codec.h"
#include "agent/rpc/kind_byte.h"

namespace proconsul::agent::rpc {

using base::Errc;
using base::Error;
using base::Result;
using base::net::Clock;

namespace {

constexpr auto kPatience = std::chrono::seconds(30);
constexpr std::size_t kMostReply = std::size_t{8} << 20;

/// What both threads see.
struct Waiting {
  std::mutex mutex{};
  std::condition_variable_any changed{};
  std::optional<Result<>> answer{};
  std::vector<DirectStep> steps{};  // of the loop, until there is an answer
};

/// Lives on the loop, until it is over.
class Conversation final : base::net::Channel::User,
                           base::net::Timer,
                           public std::enable_shared_from_this<Conversation> {
 public:
  /// `greets`: the server must be told what is spoken.
  Conversation(base::net::Loop& loop, bool greets, std::shared_ptr<Waiting> waiting)
      : loop_(loop), greets_(greets), waiting_(std::move(waiting)) {}

  void start(base::net::Destination server, Clock::duration patience) {
    self_ = shared_from_this();
    const Clock::time_point deadline = Clock::now() + patience;
    arm(loop_, deadline);
    attempt_ = base::net::connect(loop_, std::move(server), deadline,
                                  [this](Result<std::shared_ptr<base::net::TcpChannel>> channel) {
                                    loop_.post([dead = std::move(attempt_)] {});
                                    if (!channel) return finish(channel.error());
                                    channel_ = std::move(*channel);
                                    channel_->set_user(this);
                                    if (greets_ && channel_) channel_->send(kind_byte(*channel_, kCalls));
                                    ask();
                                  });
  }
  void give_up() { finish(Error{Errc::unavailable, "given up"}); }

 private:
  static constexpr char kCalls = 0;

  void ask() {
    if (!channel_) return;
    if (next_ == waiting_->steps.size()) return finish({});
    const DirectStep& step = waiting_->steps[next_];
    std::string out;
    append_header(out, RequestHeader{std::string(step.method->name), next_});
    step.invocation->encode_request(out);
    asked_ = Clock::now();
    channel_->send(out);
  }
  void received(std::string_view data) override {
    input_ += data;
    channel_->consumed(data.size());
    const Result<Pair> pair = measure(input_, kMostReply);
    if (!pair) return finish(pair.error());
    if (!pair->whole()) return;
    const std::string_view whole = input_;
    const Result<ResponseHeader> header = read_response_header(whole.substr(0, pair->header));
    if (!header) return finish(header.error());
    DirectStep& step = waiting_->steps[next_++];
    step.took = Clock::now() - asked_;
    step.result = header->error.empty() ? step.invocation->decode_reply(whole.substr(pair->header, pair->body))
                                        : Result<>(Error{Errc::internal, header->error});
    input_.erase(0, pair->header + pair->body);
    ask();
  }
  void finished() override { finish(Error{Errc::eof, "EOF"}); }
  void ended(const Error& reason) override { finish(reason); }
  void on_timer() override { finish(Error{Errc::timeout, "i/o timeout"}); }

  void finish(Result<> result) {
    const std::shared_ptr<Conversation> self = std::exchange(self_, nullptr);
    if (!self) return;
    cancel();
    attempt_.reset();
    if (channel_) {
      channel_->set_user(nullptr);
      channel_->close();
      loop_.post([dead = std::exchange(channel_, nullptr)] {});  // it may be on the stack
    }
    loop_.post([self] {});
    const std::lock_guard lock(waiting_->mutex);
    waiting_->answer = std::move(result);
    waiting_->changed.notify_all();
  }

  base::net::Loop& loop_;
  const bool greets_;
  const std::shared_ptr<Waiting> waiting_;
  std::shared_ptr<Conversation> self_{};
  std::unique_ptr<base::net::Attempt> attempt_{};
  std::shared_ptr<base::net::TcpChannel> channel_{};
  std::string input_{};
  std::size_t next_ = 0;
  Clock::time_point asked_{};
};

Result<> converse(base::net::Loop& loop, base::net::Destination server, bool greets, std::vector<DirectStep>& steps,
                  Clock::duration patience, const std::stop_token& over) {
  auto waiting = std::make_shared<Waiting>();
  waiting->steps = steps;
  auto call = std::make_shared<Conversation>(loop, greets, waiting);
  loop.post([call, patience, server = std::move(server)]() mutable { call->start(std::move(server), patience); });
  std::unique_lock lock(waiting->mutex);
  if (waiting->changed.wait(lock, over, [&] { return waiting->answer.has_value(); })) {
    steps = std::move(waiting->steps);
    return *waiting->answer;
  }
  lock.unlock();
  loop.post([call] { call->give_up(); });
  return Error{Errc::unavailable, "given up"};
}

}  // namespace

Result<> call_directly(base::net::Loop& loop, base::net::Destination server, const Method& method,
                       InvocationPtr invocation, const std::stop_token& over) {
  std::vector<DirectStep> steps{{.method = &method, .invocation = std::move(invocation)}};
  const Result<> called = converse(loop, std::move(server), false, steps, kPatience, over);
  return called ? steps.front().result : called;
}

Result<> converse_directly(base::net::Loop& loop, base::net::Destination server, std::vector<DirectStep>& steps,
                           std::chrono::milliseconds patience, const std::stop_token& over) {
  return converse(loop, std::move(server), true, steps, patience, over);
}

}  // namespace proconsul::agent::rpc
