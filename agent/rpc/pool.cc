#include "agent/rpc/pool.h"

#include <algorithm>
#include <chrono>
#include <list>
#include <map>
#include <optional>
#include <utility>

#include "agent/rpc/codec.h"
#include "agent/rpc/kind_byte.h"
#include "base/metrics.h"
#include "base/net/yamux_session.h"
#include "base/random.h"

namespace proconsul::agent::rpc {

using base::Errc;
using base::Error;
using base::Result;
using base::net::Channel;
using base::net::ChannelPtr;
using base::net::Clock;
using base::net::Loop;
using base::net::YamuxSession;

namespace {

constexpr auto kDialTimeout = std::chrono::seconds(10);
constexpr auto kLook = std::chrono::seconds(1);  // whether sessions should be moved
constexpr char kMultiplexByte = 4;
constexpr std::int64_t kJitterFraction = 16;

/// What a program can react to is in the text, as it is for Consul's own callers.
Errc code_of(std::string_view text) {
  const auto says = [&](std::string_view part) { return text.find(part) != std::string_view::npos; };
  if (says("Permission denied") || says("ACL not found")) return Errc::permission_denied;
  if (says("ACL support disabled")) return Errc::unauthorized;
  if (says("Query not found")) return Errc::not_found;
  if (says(kNoLeader)) return Errc::no_leader;
  if (says("rate limit exceeded for operation that can only be performed by the leader")) return Errc::unavailable;
  return Errc::internal;
}

Error making_call(const std::string& text) {
  return {code_of(text), "rpc error making call: " + text};
}

std::string key_of(const Target& target) {
  return target.datacenter + ':' + target.node + ':' + target.address;
}

}  // namespace

bool is_eof(std::string_view error) {
  return error == "EOF" || error.ends_with(": EOF") || error.find("stream closed") != std::string_view::npos ||
         error.find("session shutdown") != std::string_view::npos;
}

/// A call: shared by the loop that asks and the loop of the session.
class Pool::Exchange {
 public:
  Exchange(Loop& loop, std::string_view name, InvocationPtr call, Finished then)
      : caller(loop), method(name), invocation(std::move(call)), done(std::move(then)) {}

  /// On the session's loop, at most once.
  void finish(Result<> result) {
    if (std::exchange(finished, true)) return;
    caller.post([self = shared, result = std::move(result)]() mutable {
      if (self->abandoned) return;
      Finished tell = std::exchange(self->done, nullptr);
      tell(std::move(result));
    });
    shared.reset();
  }

  Loop& caller;
  const std::string method;
  const InvocationPtr invocation;
  Finished done;             // of the caller's loop
  bool abandoned = false;    // of the caller's loop
  bool finished = false;     // from here on, of the session's
  bool tried_again = false;  // on a new session
  std::optional<Clock::time_point> deadline{};
  std::chrono::nanoseconds timeout{};  // that the deadline comes of
  bool waits = false;                  // for something newer: asked once more, it does no harm
  std::shared_ptr<Exchange> shared{};  // itself, while it runs
  Stream* stream = nullptr;
};

/// A stream that carries one call at a time.
class Pool::Stream final : Channel::User, base::net::Timer {
 public:
  Stream(Session& session, ChannelPtr channel) : session_(session), channel_(std::move(channel)) {
    channel_->set_user(this);
  }
  ~Stream() override {
    channel_->close();
    if (exchange_) exchange_->stream = nullptr;
  }
  void carry(std::shared_ptr<Exchange> exchange);
  void drop();
  void drop_abandoned();
  /// Its call, if that only waits and may do so elsewhere; the stream is of no use then.
  std::shared_ptr<Exchange> hand_over();

 private:
  void received(std::string_view data) override;
  void finished() override { fail("EOF"); }
  void ended(const Error& reason) override;
  void on_timer() override { fail("i/o deadline reached"); }
  void answered(std::string_view header, std::string_view body);
  void fail(const std::string& text);

  Session& session_;
  const ChannelPtr channel_;
  std::shared_ptr<Exchange> exchange_{};
  std::string input_{};
  base::MsgpackPlace seen_{};  // of the body in it
  std::uint64_t seq_ = 0;
};

/// All streams to one server.
class Pool::Session final : base::net::Timer {
 public:
  Session(Sessions& sessions, Target target) : sessions_(sessions), target_(std::move(target)) {}
  ~Session() override {
    streams_.clear();
    if (yamux_) yamux_->close();
  }
  void start(std::shared_ptr<Exchange> exchange);
  void idle(Stream& stream);
  void remove(Stream& stream, bool lost);
  void fail_all(const std::string& text);
  /// Whether there is a better way to its server than the one that it took.
  bool outdated() const;
  /// The next call begins a new session, what waits does so there, and what is answered soon ends here.
  void leave();
  const Target& target() const { return target_; }
  Pool& pool() const;
  Loop& loop() const;

 private:
  void dial();
  void connected(Result<std::shared_ptr<base::net::TcpChannel>> channel);
  void carry(std::shared_ptr<Exchange> exchange);
  void on_timer() override;
  void rest();

  Sessions& sessions_;
  const Target target_;
  std::string address_{};  // that was dialed
  std::unique_ptr<base::net::Attempt> attempt_{};
  std::shared_ptr<YamuxSession> yamux_{};
  std::list<std::shared_ptr<Exchange>> waiting_{};  // for the connection
  std::map<Stream*, std::unique_ptr<Stream>> streams_;
  std::vector<Stream*> idle_{};
};

/// The sessions of one loop.
class Pool::Sessions final : base::net::Timer {
 public:
  Sessions(Pool& pool, Loop& loop) : pool_(pool), loop_(loop) {}
  void start(const Target& target, std::shared_ptr<Exchange> exchange) {
    if (stopped_) return exchange->finish(Error{Errc::unavailable, "rpc error: shutdown"});
    if (pool_.options_.outdated && !std::exchange(looks_, true)) arm(loop_, Clock::now() + kLook);
    std::unique_ptr<Session>& session = sessions_[key_of(target)];
    if (!session) session = std::make_unique<Session>(*this, target);
    session->start(std::move(exchange));
  }
  /// It is perhaps on the stack: it dies later. The next call to its server begins a new one.
  void retire(Session& session) {
    const auto found = sessions_.find(key_of(session.target()));
    if (found == sessions_.end() || found->second.get() != &session) return;
    retired_.push_back(std::move(found->second));
    sessions_.erase(found);
  }
  void bury(Session& session) {
    const auto found =
        std::ranges::find(retired_, &session, [](const std::unique_ptr<Session>& each) { return each.get(); });
    if (found == retired_.end()) return;
    loop_.post([dead = std::move(*found)] {});
    retired_.erase(found);
  }
  bool retired(const Session& session) const {
    return std::ranges::find(retired_, &session, [](const auto& each) { return each.get(); }) != retired_.end();
  }
  void stop() {
    stopped_ = true;
    cancel();
    for (auto& [key, session] : sessions_) session->fail_all("rpc error: shutdown");
    for (auto& session : retired_) session->fail_all("rpc error: shutdown");
    sessions_.clear();
    retired_.clear();
  }
  Pool& pool() const { return pool_; }
  Loop& loop() const { return loop_; }

 private:
  void on_timer() override {
    std::vector<Session*> outdated;
    for (const auto& [key, session] : sessions_) {
      if (session->outdated()) outdated.push_back(session.get());
    }
    for (Session* session : outdated) session->leave();
    arm(loop_, Clock::now() + kLook);
  }

  Pool& pool_;
  Loop& loop_;
  std::map<std::string, std::unique_ptr<Session>> sessions_;
  std::vector<std::unique_ptr<Session>> retired_{};  // their last calls still run
  bool looks_ = false;                               // on the timer
  bool stopped_ = false;
};

Pool& Pool::Session::pool() const {
  return sessions_.pool();
}
Loop& Pool::Session::loop() const {
  return sessions_.loop();
}

void Pool::Session::start(std::shared_ptr<Exchange> exchange) {
  cancel();
  if (outdated()) {
    leave();
    return sessions_.start(target_, std::move(exchange));
  }
  if (yamux_ && !yamux_->accepts_streams()) {
    for (Stream* stream : std::vector<Stream*>(idle_)) remove(*stream, false);
    sessions_.retire(*this);
    if (streams_.empty()) sessions_.bury(*this);
    return sessions_.start(target_, std::move(exchange));
  }
  if (yamux_) return carry(std::move(exchange));
  waiting_.push_back(std::move(exchange));
  if (!attempt_) dial();
}

bool Pool::Session::outdated() const {
  const auto& ask = pool().options_.outdated;
  return yamux_ && ask && ask(target_, address_);
}

void Pool::Session::leave() {
  Sessions& sessions = sessions_;
  sessions.retire(*this);
  std::vector<std::shared_ptr<Exchange>> waiting;
  std::vector<Stream*> over = idle_;
  for (const auto& [key, stream] : streams_) {
    if (auto exchange = stream->hand_over()) {
      waiting.push_back(std::move(exchange));
      over.push_back(stream.get());
    }
  }
  for (Stream* stream : over) remove(*stream, false);
  if (streams_.empty()) sessions.bury(*this);
  for (auto& exchange : waiting) sessions.start(target_, std::move(exchange));
}

void Pool::Session::dial() {
  base::net::Destination to = pool().destination(target_, kRpcMulti);
  address_ = to.address;
  attempt_ = base::net::connect(loop(), std::move(to), Clock::now() + kDialTimeout,
                                [this](auto channel) { connected(std::move(channel)); });
}

void Pool::Session::connected(Result<std::shared_ptr<base::net::TcpChannel>> channel) {
  // The attempt is on the stack.
  loop().post([attempt = std::move(attempt_)] {});
  if (!channel) {
    for (auto& exchange : std::exchange(waiting_, {})) {
      exchange->finish(
          Error{Errc::unavailable, "rpc error getting client: failed to get conn: " + channel.error().detail});
    }
    sessions_.retire(*this);
    return sessions_.bury(*this);
  }
  (*channel)->send(kind_byte(**channel, kMultiplexByte));
  yamux_ = YamuxSession::start(loop(), std::move(*channel), {.is_client = true}, {.ended = [this](const Error&) {
                                 sessions_.retire(*this);
                                 if (streams_.empty()) sessions_.bury(*this);
                               }});
  for (auto& exchange : std::exchange(waiting_, {})) carry(std::move(exchange));
  rest();
}

void Pool::Session::carry(std::shared_ptr<Exchange> exchange) {
  if (exchange->finished) return;
  if (idle_.empty()) {
    Result<ChannelPtr> channel = yamux_->open();
    if (!channel) {
      if (!std::exchange(exchange->tried_again, true)) {
        sessions_.retire(*this);
        if (streams_.empty()) sessions_.bury(*this);
        return sessions_.start(target_, std::move(exchange));
      }
      return exchange->finish(
          Error{Errc::unavailable, "rpc error getting client: failed to start stream: " + channel.error().detail});
    }
    auto stream = std::make_unique<Stream>(*this, std::move(*channel));
    idle_.push_back(stream.get());
    streams_.emplace(stream.get(), std::move(stream));
  }
  Stream* stream = idle_.back();
  idle_.pop_back();
  stream->carry(std::move(exchange));
}

void Pool::Session::idle(Stream& stream) {
  if (idle_.size() >= pool().options_.most_idle_streams || sessions_.retired(*this)) return remove(stream, false);
  idle_.push_back(&stream);
  rest();
}

void Pool::Session::remove(Stream& stream, bool lost) {
  const auto found = streams_.find(&stream);
  if (found == streams_.end()) return;
  std::erase(idle_, &stream);
  loop().post([dead = std::move(found->second)] {});
  streams_.erase(found);
  if (lost) sessions_.retire(*this);
  if (sessions_.retired(*this) && streams_.empty()) return sessions_.bury(*this);
  rest();
}

void Pool::Session::fail_all(const std::string& text) {
  for (auto& exchange : std::exchange(waiting_, {})) exchange->finish(Error{Errc::unavailable, text});
  for (auto& [key, stream] : streams_) stream->drop();
}

/// Without calls the clock runs.
void Pool::Session::rest() {
  if (!waiting_.empty() || idle_.size() < streams_.size()) return cancel();
  arm(loop(), Clock::now() + std::chrono::nanoseconds(pool().options_.idle_time.nanoseconds));
}

void Pool::Session::on_timer() {
  sessions_.retire(*this);
  sessions_.bury(*this);
}

void Pool::Stream::carry(std::shared_ptr<Exchange> exchange) {
  exchange_ = std::move(exchange);
  exchange_->stream = this;
  if (exchange_->deadline) arm(session_.loop(), *exchange_->deadline);
  std::string bytes;
  append_header(bytes, RequestHeader{exchange_->method, ++seq_});
  exchange_->invocation->encode_request(bytes);
  channel_->send(bytes);
}

/// Its caller is gone, or the pool.
void Pool::Stream::drop() {
  if (!exchange_) return;
  const auto exchange = std::exchange(exchange_, nullptr);
  exchange->stream = nullptr;
  exchange->finish(Error{Errc::unavailable, "rpc error: shutdown"});
}

std::shared_ptr<Pool::Exchange> Pool::Stream::hand_over() {
  if (!exchange_ || !exchange_->waits || !input_.empty()) return nullptr;
  cancel();
  exchange_->stream = nullptr;
  if (exchange_->deadline) exchange_->deadline = Clock::now() + exchange_->timeout;
  return std::exchange(exchange_, nullptr);
}

void Pool::Stream::drop_abandoned() {
  exchange_->stream = nullptr;
  exchange_.reset();
  session_.remove(*this, false);
}

void Pool::Stream::received(std::string_view data) {
  channel_->consumed(data.size());
  if (!exchange_) return fail("an answer that nobody asked for");
  input_ += data;
  // Lists of many thousand rows arrive in hundreds of pieces.
  const Result<Pair> pair = measure(input_, session_.pool().options_.most_reply_bytes, seen_);
  if (!pair) return fail(pair.error().detail);
  if (!pair->whole()) return;
  seen_ = {};
  const std::string bytes = std::exchange(input_, {});
  if (bytes.size() > pair->header + pair->body) return fail("more than one answer");
  answered(std::string_view(bytes).substr(0, pair->header), std::string_view(bytes).substr(pair->header));
}

void Pool::Stream::answered(std::string_view header_bytes, std::string_view body) {
  const Result<ResponseHeader> header = read_response_header(header_bytes);
  if (!header) return fail(header.error().detail);
  if (!header->error.empty()) return fail(header->error);
  if (Result<> read = exchange_->invocation->decode_reply(body); !read) return fail(read.error().detail);
  cancel();
  const auto exchange = std::exchange(exchange_, nullptr);
  exchange->stream = nullptr;
  exchange->finish({});
  session_.idle(*this);
}

void Pool::Stream::ended(const Error& reason) {
  fail(reason.detail == "connection reset" ? reason.detail : "EOF");
}

/// As Consul does, the stream is not used again even if only the call failed.
void Pool::Stream::fail(const std::string& text) {
  cancel();
  const bool lost = is_eof(text);
  if (const auto exchange = std::exchange(exchange_, nullptr)) {
    exchange->stream = nullptr;
    exchange->finish(making_call(text));
  }
  session_.remove(*this, lost);
}

class Pool::Handle final : public Pool::Call {
 public:
  Handle(std::shared_ptr<Exchange> exchange, Loop& loop) : exchange_(std::move(exchange)), loop_(loop) {}
  ~Handle() override {
    exchange_->abandoned = true;
    if (!exchange_->done) return;  // it is over
    exchange_->done = nullptr;
    loop_.post([exchange = std::move(exchange_)] {
      if (exchange->finished) return;
      exchange->finished = true;
      exchange->shared.reset();
      if (exchange->stream) exchange->stream->drop_abandoned();
    });
  }

 private:
  std::shared_ptr<Exchange> exchange_;
  Loop& loop_;  // the session's
};

Pool::Pool(base::net::Loops& loops, Options options) : options_(std::move(options)) {
  for (std::size_t i = 0; i < loops.size(); ++i) sessions_.push_back(std::make_unique<Sessions>(*this, loops[i]));
}

Pool::~Pool() {
  stop();
}

void Pool::stop() {
  if (stopped_.exchange(true)) return;
  for (auto& sessions : sessions_) sessions->loop().run([&] { sessions->stop(); });
}

base::net::Destination Pool::destination(const Target& target, std::string_view protocol) const {
  base::net::Destination to =
      options_.route ? options_.route(target, protocol) : base::net::Destination{.address = target.address};
  if (to.source.empty()) to.source = options_.source;
  return to;
}

std::unique_ptr<Pool::Call> Pool::call(Loop& loop, const Target& target, std::string_view method,
                                       InvocationPtr invocation, Finished done) {
  Sessions& sessions = *sessions_[std::hash<std::string>()(key_of(target)) % sessions_.size()];
  base::Duration timeout = options_.client_timeout;
  bool waits = false;
  if (const catalog::QueryOptions* query = invocation->query(); query && query->MinQueryIndex > 0) {
    timeout = options_.times.wait_of(*query);
    // The server adds up to this much at random.
    timeout.nanoseconds += timeout.nanoseconds / kJitterFraction + options_.times.rpc_hold_timeout.nanoseconds;
    waits = true;
  }
  auto exchange = std::make_shared<Exchange>(loop, method, std::move(invocation), std::move(done));
  exchange->shared = exchange;
  exchange->waits = waits;
  exchange->timeout = std::chrono::nanoseconds(timeout.nanoseconds);
  if (timeout.nanoseconds > 0) exchange->deadline = Clock::now() + exchange->timeout;
  auto handle = std::make_unique<Handle>(exchange, sessions.loop());
  sessions.loop().post([&sessions, target, exchange]() mutable {
    if (!exchange->finished) sessions.start(target, std::move(exchange));
  });
  return handle;
}

}  // namespace proconsul::agent::rpc
