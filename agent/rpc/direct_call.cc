#include "agent/rpc/direct_call.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "agent/rpc/codec.h"

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
};

/// Lives on the loop, until it is over.
class DirectCall final : base::net::Channel::User, base::net::Timer, public std::enable_shared_from_this<DirectCall> {
 public:
  DirectCall(base::net::Loop& loop, const Method& method, InvocationPtr invocation, std::shared_ptr<Waiting> waiting)
      : loop_(loop), method_(method), invocation_(std::move(invocation)), waiting_(std::move(waiting)) {}

  void start(base::net::Destination server) {
    self_ = shared_from_this();
    arm(loop_, Clock::now() + kPatience);
    attempt_ = base::net::connect(loop_, std::move(server), Clock::now() + kPatience,
                                  [this](Result<std::shared_ptr<base::net::TcpChannel>> channel) {
                                    loop_.post([dead = std::move(attempt_)] {});
                                    if (!channel) return finish(channel.error());
                                    channel_ = std::move(*channel);
                                    channel_->set_user(this);
                                    std::string out;
                                    append_header(out, RequestHeader{std::string(method_.name), 0});
                                    invocation_->encode_request(out);
                                    if (channel_) channel_->send(out);
                                  });
  }
  void give_up() { finish(Error{Errc::unavailable, "given up"}); }

 private:
  void received(std::string_view data) override {
    input_ += data;
    channel_->consumed(data.size());
    const Result<Pair> pair = measure(input_, kMostReply);
    if (!pair) return finish(pair.error());
    if (!pair->whole()) return;
    const std::string_view whole = input_;
    const Result<ResponseHeader> header = read_response_header(whole.substr(0, pair->header));
    if (!header) return finish(header.error());
    if (!header->error.empty()) return finish(Error{Errc::internal, header->error});
    finish(invocation_->decode_reply(whole.substr(pair->header, pair->body)));
  }
  void finished() override { finish(Error{Errc::eof, "EOF"}); }
  void ended(const Error& reason) override { finish(reason); }
  void on_timer() override { finish(Error{Errc::timeout, "i/o timeout"}); }

  void finish(Result<> result) {
    const std::shared_ptr<DirectCall> self = std::exchange(self_, nullptr);
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
  const Method& method_;
  const InvocationPtr invocation_;
  const std::shared_ptr<Waiting> waiting_;
  std::shared_ptr<DirectCall> self_{};
  std::unique_ptr<base::net::Attempt> attempt_{};
  std::shared_ptr<base::net::TcpChannel> channel_{};
  std::string input_{};
};

}  // namespace

Result<> call_directly(base::net::Loop& loop, base::net::Destination server, const Method& method,
                       InvocationPtr invocation, const std::stop_token& over) {
  auto waiting = std::make_shared<Waiting>();
  auto call = std::make_shared<DirectCall>(loop, method, std::move(invocation), waiting);
  loop.post([call, server = std::move(server)]() mutable { call->start(std::move(server)); });
  std::unique_lock lock(waiting->mutex);
  if (waiting->changed.wait(lock, over, [&] { return waiting->answer.has_value(); })) return *waiting->answer;
  lock.unlock();
  loop.post([call] { call->give_up(); });
  return Error{Errc::unavailable, "given up"};
}

}  // namespace proconsul::agent::rpc
