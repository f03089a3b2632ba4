#include "agent/rpc/raft_transport.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <list>
#include <utility>

#include "base/msgpack_size.h"
#include "raft/pipe.h"

namespace proconsul::agent::rpc {

using base::Errc;
using base::Error;
using base::Result;
using base::net::Channel;
using base::net::ChannelPtr;
using base::net::Clock;
using base::net::Pipe;
using base::net::TcpChannel;

namespace {

constexpr char kRaftByte = 1;
constexpr std::size_t kMostMessage = 256 * 1024 * 1024;  // bytes; a batch is up to 64 entries
constexpr std::size_t kMostUnanswered = 256;             // requests of one connection
constexpr auto kIdle = std::chrono::minutes(1);          // a connection that is not used any longer
// Whether a peer still listens.
constexpr auto kProbeTime = std::chrono::milliseconds(200);
constexpr auto kFirstPause = std::chrono::milliseconds(2);  // doubled each time
constexpr int kMostTries = 8;
constexpr std::size_t kMostProbes = 64;  // at a time
constexpr std::size_t kSnapshotPiece = 64 * 1024;
constexpr std::uint64_t kTimeoutScale = 256 * 1024;  // bytes of a snapshot that get the whole timeout

bool is_request(const raft::Body& body) {
  return body.index() % 2 == 0;  // requests and answers alternate
}

/// What reading the answer needs of its request: not the entries.
raft::Body outline(const raft::Body& request) {
  if (std::holds_alternative<raft::AppendRequest>(request)) return raft::AppendRequest{};
  if (std::holds_alternative<raft::SnapshotRequest>(request)) return raft::SnapshotRequest{};
  return request;
}

/// Both msgpack values of an answer; 0: not all here yet.
Result<std::size_t> answer_size(std::string_view bytes) {
  Result<std::size_t> error = base::msgpack_size(bytes, kMostMessage);
  if (!error || *error == 0) return error;
  Result<std::size_t> body = base::msgpack_size(bytes.substr(*error), kMostMessage);
  if (!body || *body == 0) return body;
  return *error + *body;
}

}  // namespace

/// One connection to a peer: requests in a row, answers in the same order. Everything it carries fails with it.
class RaftTransport::Outgoing final : Channel::User, base::net::Timer {
 public:
  Outgoing(RaftTransport& transport, raft::ServerId peer) : transport_(transport), peer_(std::move(peer)) {}
  ~Outgoing() override { shut(); }

  void request(const raft::Message& message) {
    const bool idle = waiting_.empty();
    waiting_.push_back({message.call, outline(message.body), Clock::now() + transport_.options_.timeout});
    if (idle) arm(transport_.loop_, waiting_.front().deadline);
    std::string bytes;
    raft::append_request(bytes, transport_.self_, message.body);
    if (!channel_) {
      unsent_ += bytes;
      return dial(message.address);
    }
    channel_->send(bytes);
  }

  /// The request, and behind it the bytes that a thread puts into the pipe.
  void send_snapshot(const raft::Message& message, std::shared_ptr<Pipe> pipe) {
    const auto& meta = std::get<raft::SnapshotRequest>(message.body).meta;
    pipe_ = std::move(pipe);
    // The peer stores what it gets before it answers.
    snapshot_time_ = std::max(transport_.options_.timeout,
                              transport_.options_.timeout * static_cast<int>(meta.size / kTimeoutScale));
    request(message);
  }

  void fail_all() {
    shut();
    for (const Waiting& each : std::exchange(waiting_, {})) transport_.failed(peer_, each.call);
  }

 private:
  struct Waiting {
    std::uint64_t call;
    raft::Body request;
    Clock::time_point deadline;
  };

  void dial(const std::string& address) {
    if (attempt_) return;
    base::net::Destination to{.address = address};
    if (transport_.options_.route) to = transport_.options_.route(peer_, address);
    attempt_ = base::net::connect(transport_.loop_, std::move(to), Clock::now() + transport_.options_.timeout,
                                  [this](Result<std::shared_ptr<TcpChannel>> channel) {
                                    if (!channel) return broke(channel.error());
                                    channel_ = std::move(*channel);
                                    channel_->set_user(this);
                                    channel_->send(std::string(1, kRaftByte) + std::exchange(unsent_, {}));
                                    if (pipe_) feed();
                                  });
  }

  /// Moves snapshot bytes from the thread to the socket, no more than it takes.
  void feed() {
    while (channel_ && pipe_ && channel_->unsent() < base::net::kChannelWindow) {
      std::string piece;
      const auto wake = [transport = &transport_, alive = transport_.alive_, self = this, here = here_] {
        transport->loop_.post([alive, self, here] {
          if (*alive && *here) self->feed();
        });
      };
      const Pipe::State state = pipe_->pull(piece, kSnapshotPiece, wake);
      if (state == Pipe::State::later) return;
      if (state == Pipe::State::failed) return broke({Errc::internal, "the snapshot cannot be read"});
      if (state == Pipe::State::end) {
        pipe_.reset();
        return arm(transport_.loop_, Clock::now() + snapshot_time_);
      }
      // As long as bytes move, the peer is alive.
      arm(transport_.loop_, Clock::now() + transport_.options_.timeout);
      channel_->send(piece);
    }
  }

  void received(std::string_view data) override {
    channel_->consumed(data.size());
    input_ += data;
    std::size_t done = 0;
    while (channel_) {
      const std::string_view rest = std::string_view(input_).substr(done);
      if (rest.empty()) break;
      Result<std::size_t> size = answer_size(rest);
      if (!size) return broke(size.error());
      if (*size == 0) break;
      if (waiting_.empty()) return broke({Errc::invalid_argument, "an answer that nobody asked for"});
      Result<raft::WireAnswer> answer = raft::read_answer(waiting_.front().request, rest.substr(0, *size));
      if (!answer) return broke(answer.error());
      done += *size;
      const std::uint64_t call = waiting_.front().call;
      waiting_.pop_front();
      arm(transport_.loop_, waiting_.empty() ? Clock::now() + kIdle : waiting_.front().deadline);
      if (!answer->error.empty()) {
        transport_.log_.debug("a raft peer answers with an error", {{"peer", peer_.value}, {"error", answer->error}});
        transport_.failed(peer_, call);
        continue;
      }
      transport_.received({peer_, std::move(answer->header.address), call, std::move(answer->body)});
    }
    input_.erase(0, done);
    if (carries_snapshot() && waiting_.empty()) {  // it was for this one alone
      shut();
      transport_.bury(*this);
    }
  }
  bool carries_snapshot() const { return snapshot_time_.count() > 0; }
  void drained() override { feed(); }
  void finished() override { broke({Errc::eof, "EOF"}); }
  void ended(const Error& reason) override { broke(reason); }
  void on_timer() override {
    if (!waiting_.empty()) return broke({Errc::timeout, "i/o timeout"});
    shut();
    transport_.bury(*this);
  }

  void broke(const Error& reason) {
    transport_.log_.debug("connection to a raft peer is lost", {{"peer", peer_.value}, {"error", reason}});
    fail_all();
    transport_.bury(*this);
  }

  void shut() {
    *here_ = false;
    cancel();
    attempt_.reset();
    if (channel_) channel_->close();
    channel_.reset();
    if (pipe_) std::exchange(pipe_, nullptr)->abandon();
  }

  RaftTransport& transport_;
  const raft::ServerId peer_;
  std::unique_ptr<base::net::Attempt> attempt_{};
  ChannelPtr channel_{};
  std::deque<Waiting> waiting_{};
  std::string unsent_{};  // until the connection stands
  std::string input_{};
  std::shared_ptr<Pipe> pipe_{};
  std::chrono::milliseconds snapshot_time_{};
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
};

/// Replication must not hold up heartbeats and votes, nor a snapshot both: each has its own connection.
struct RaftTransport::Peer {
  std::unique_ptr<Outgoing> entries{}, small{};
  std::list<std::unique_ptr<Outgoing>> snapshots{};
};

/// One connection from a peer: its requests, our answers in the same order.
class RaftTransport::Incoming final : Channel::User {
 public:
  Incoming(RaftTransport& transport, std::shared_ptr<TcpChannel> channel, std::shared_ptr<const void> place)
      : transport_(transport), channel_(std::move(channel)), place_(std::move(place)) {
    channel_->set_user(this);
  }
  ~Incoming() override { quiet(); }
  /// Nothing comes from it any more. The transport may end before it does.
  void quiet() {
    if (!std::exchange(*here_, false)) return;
    channel_->close();
    for (const Slot& slot : slots_) transport_.asked_.erase(slot.call);
    slots_.clear();
    input_.clear();
    drop_snapshot();
  }

  const raft::ServerId& from() const { return from_; }

  void answer(const raft::Message& message) {
    const auto slot = std::ranges::find(slots_, message.call, &Slot::call);
    if (slot == slots_.end()) return;
    raft::append_answer(slot->answer, transport_.self_, &message.body);
    transport_.asked_.erase(message.call);
    if (snapshot_call_ == message.call) drop_snapshot();
    flush();
    parse();
  }

 private:
  struct Slot {
    std::uint64_t call;
    std::string answer{};
  };

  void received(std::string_view data) override {
    input_ += data;
    held_ += data.size();
    parse();
  }
  void finished() override { lost(); }
  void ended(const Error&) override { lost(); }
  void lost() {
    const raft::ServerId peer = std::exchange(from_, {});
    transport_.bury(*this);
    if (!peer.value.empty()) transport_.look_after(peer, address_);
  }

  void parse() {
    if (std::exchange(parsing_, true)) return;
    std::size_t done = 0;
    bool goes_on = true;
    while (goes_on && !blocked() && done < input_.size()) {
      const std::string_view rest = std::string_view(input_).substr(done);
      Result<std::size_t> taken = snapshot_left_ > 0 ? take_snapshot_bytes(rest) : take_request(rest);
      if (!taken) {
        transport_.log_.warn("failed to decode incoming command",
                             {{"from", channel_->peer()}, {"error", taken.error()}});
        return transport_.bury(*this);
      }
      done += *taken;
      goes_on = *taken > 0;
    }
    parsing_ = false;
    input_.erase(0, done);
    if (input_.empty() && input_.capacity() > kSnapshotPiece) input_ = {};
    // While we cannot go on the peer is held up by what is not acknowledged.
    if (!blocked()) channel_->consumed(std::exchange(held_, 0));
  }
  bool blocked() const { return pipe_full_ || slots_.size() >= kMostUnanswered; }

  /// 0: more must arrive first.
  Result<std::size_t> take_request(std::string_view bytes) {
    const auto type = static_cast<raft::RpcType>(bytes.front());
    if (type > raft::RpcType::request_pre_vote) {
      return Error{Errc::invalid_argument, "unknown rpc type " + std::to_string(static_cast<int>(type))};
    }
    Result<std::size_t> size = base::msgpack_size(bytes.substr(1), kMostMessage);
    if (!size || *size == 0) return size;
    Result<raft::WireRequest> request = raft::read_request(type, bytes.substr(1, *size));
    if (!request && !request.error().detail.starts_with("operation not supported")) return request.error();
    const std::uint64_t call = transport_.next_call_++;
    slots_.push_back({call});
    if (!request) {
      raft::append_answer(slots_.back().answer, transport_.self_, nullptr, request.error().detail);
      flush();
      return 1 + *size;
    }
    raft::ServerId from = std::move(request->header.id);
    if (from.value.empty()) from.value = request->header.address;
    if (from_ != from) from_ = from;
    if (address_ != request->header.address) address_ = request->header.address;
    if (const auto* snapshot = std::get_if<raft::SnapshotRequest>(&request->body))
      begin_snapshot(call, snapshot->meta.size);
    transport_.asked_.emplace(call, this);
    transport_.received({std::move(from), std::move(request->header.address), call, std::move(request->body)});
    return 1 + *size;
  }

  void begin_snapshot(std::uint64_t call, std::uint64_t size) {
    if (snapshot_call_ != 0) drop_snapshot();
    snapshot_call_ = call;
    snapshot_left_ = size;
    pipe_ = std::make_shared<Pipe>();
    const std::lock_guard lock(transport_.arriving_mutex_);
    transport_.arriving_.emplace(call, pipe_);
    if (size == 0) std::exchange(pipe_, nullptr)->end();
  }

  Result<std::size_t> take_snapshot_bytes(std::string_view bytes) {
    const std::string_view piece = bytes.substr(0, snapshot_left_);
    snapshot_left_ -= piece.size();
    if (!pipe_) return piece.size();  // nobody wants them any more
    const auto wake = [transport = &transport_, alive = transport_.alive_, self = this, here = here_] {
      transport->loop_.post([alive, self, here] {
        if (!*alive || !*here) return;
        self->pipe_full_ = false;
        self->parse();
      });
    };
    pipe_full_ = !pipe_->offer(piece, wake);
    if (snapshot_left_ == 0) std::exchange(pipe_, nullptr)->end();
    return piece.size();
  }

  /// Nobody will take what is still to come of it.
  void drop_snapshot() {
    {
      const std::lock_guard lock(transport_.arriving_mutex_);
      transport_.arriving_.erase(snapshot_call_);
    }
    snapshot_call_ = 0;
    pipe_full_ = false;
    if (!pipe_) return;
    pipe_->end(Error{Errc::cancelled, "the snapshot is not wanted"});
    std::exchange(pipe_, nullptr)->abandon();
  }

  void flush() {
    std::string out;
    while (!slots_.empty() && !slots_.front().answer.empty()) {
      out += slots_.front().answer;
      slots_.pop_front();
    }
    if (!out.empty()) channel_->send(out);
  }

  RaftTransport& transport_;
  const std::shared_ptr<TcpChannel> channel_;
  const std::shared_ptr<const void> place_;
  raft::ServerId from_{};  // by its last request
  std::string address_{};
  std::string input_{};
  std::size_t held_ = 0;  // received, not acknowledged
  std::deque<Slot> slots_{};
  std::shared_ptr<Pipe> pipe_{};  // of the snapshot that arrives
  std::uint64_t snapshot_call_ = 0;
  std::uint64_t snapshot_left_ = 0;
  bool pipe_full_ = false;
  bool parsing_ = false;
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
};

RaftTransport::RaftTransport(base::net::Loop& loop, Options options)
    : loop_(loop), options_(std::move(options)), self_{.id = options_.id, .address = options_.address} {}

RaftTransport::~RaftTransport() {
  stop();
}

void RaftTransport::start(raft::TransportHandler& handler) {
  handler_.store(&handler, std::memory_order_release);
}

void RaftTransport::stop() {
  handler_.store(nullptr, std::memory_order_release);
  if (stopped_.exchange(true)) return;
  const auto shut = [this] {
    *alive_ = false;
    peers_.clear();
    incoming_.clear();
    probes_.clear();
    asked_.clear();
  };
  loop_.is_current() ? shut() : loop_.run(shut);
  background_.wait();  // what it reads from is the node's
}

void RaftTransport::send(raft::Message message) {
  if (!running()) return;
  loop_.post([this, alive = alive_, message = std::move(message)]() mutable {
    if (!*alive) return;
    is_request(message.body) ? request(std::move(message)) : answer(std::move(message));
  });
}

void RaftTransport::answer(raft::Message message) {
  const auto found = asked_.find(message.call);
  if (found != asked_.end()) found->second->answer(message);
}

void RaftTransport::request(raft::Message message) {
  std::unique_ptr<Peer>& peer = peers_[message.peer];
  if (!peer) peer = std::make_unique<Peer>();
  const auto* append = std::get_if<raft::AppendRequest>(&message.body);
  std::unique_ptr<Outgoing>& connection = append && !append->is_heartbeat() ? peer->entries : peer->small;
  if (!connection) connection = std::make_unique<Outgoing>(*this, message.peer);
  connection->request(message);
}

void RaftTransport::send_snapshot(raft::Message request, OpenSnapshot open) {
  if (!running()) return;
  auto pipe = std::make_shared<Pipe>();
  loop_.post([this, alive = alive_, request = std::move(request), pipe]() mutable {
    if (!*alive) return pipe->abandon();
    std::unique_ptr<Peer>& peer = peers_[request.peer];
    if (!peer) peer = std::make_unique<Peer>();
    peer->snapshots.push_back(std::make_unique<Outgoing>(*this, request.peer));
    peer->snapshots.back()->send_snapshot(request, std::move(pipe));
  });
  background_.run([pipe, open = std::move(open)] {
    base::give_way();
    Result<std::unique_ptr<raft::SnapshotReader>> reader = open();
    if (!reader) return pipe->end(reader.error());
    std::string buffer(kSnapshotPiece, '\0');
    for (;;) {
      const Result<std::size_t> size = (*reader)->read(buffer);
      if (!size) return pipe->end(size.error());
      if (*size == 0) return pipe->end();
      if (!pipe->write(std::string_view(buffer).substr(0, *size))) return;
    }
  });
}

Result<std::unique_ptr<raft::ByteSource>> RaftTransport::snapshot_bytes(const raft::ServerId&, std::uint64_t call) {
  const std::lock_guard lock(arriving_mutex_);
  const auto found = arriving_.find(call);
  if (found == arriving_.end()) return Error{Errc::unavailable, "the connection of the snapshot is gone"};
  auto source = std::make_unique<raft::PipeSource>(std::move(found->second));
  arriving_.erase(found);
  return source;
}

void RaftTransport::accept(base::net::Fd socket, std::unique_ptr<base::net::TlsStream> tls,
                           std::shared_ptr<const void> place) {
  auto task = [this, alive = alive_, socket = std::move(socket), tls = std::move(tls),
               place = std::move(place)]() mutable {
    if (!*alive || !running()) return;
    auto connection = std::make_unique<Incoming>(*this, TcpChannel::adopt(loop_, std::move(socket), std::move(tls)),
                                                 std::move(place));
    Incoming* key = connection.get();
    incoming_.emplace(key, std::move(connection));
  };
  loop_.post(std::move(task));
}

void RaftTransport::failed(const raft::ServerId& peer, std::uint64_t call) {
  if (raft::TransportHandler* handler = handler_.load(std::memory_order_acquire)) handler->request_failed(peer, call);
}

void RaftTransport::received(raft::Message message) {
  if (raft::TransportHandler* handler = handler_.load(std::memory_order_acquire)) handler->receive(std::move(message));
}

/// A connection from it was closed. When a process ends, its host closes all its connections and refuses new ones;
/// where anything else was the reason, it still listens. A process that is just ending may do so for a moment, too, or
/// leave a connection without an answer: it is asked several times.
void RaftTransport::look_after(const raft::ServerId& peer, const std::string& address) {
  if (!running() || probes_.contains(peer) || probes_.size() >= kMostProbes) return;
  probes_[peer].address = address;
  probe(peer);
}

void RaftTransport::probe(const raft::ServerId& peer) {
  Probe& probe = probes_.at(peer);
  base::net::Destination to{.address = probe.address};
  if (options_.route) to = options_.route(peer, probe.address);
  to.preface.clear();
  to.tls = nullptr;
  probe.attempt =
      base::net::connect(loop_, std::move(to), Clock::now() + kProbeTime,
                         [this, peer](Result<std::shared_ptr<TcpChannel>> channel) { probed(peer, channel); });
}

void RaftTransport::probed(const raft::ServerId& peer, const Result<std::shared_ptr<TcpChannel>>& channel) {
  Probe& probe = probes_.at(peer);
  loop_.post([dead = std::move(probe.attempt)] {});  // it is on the stack
  if (channel) (*channel)->close();
  const bool refused = !channel && channel.error().detail.ends_with("connection refused");
  const bool calls = std::ranges::any_of(incoming_, [&](const auto& entry) { return entry.first->from() == peer; });
  if (!refused && !calls && ++probe.tries < kMostTries) {
    loop_.after(kFirstPause * (1 << probe.tries), [this, alive = alive_, peer] {
      if (*alive) this->probe(peer);
    });
    return;
  }
  probes_.erase(peer);
  raft::TransportHandler* handler = handler_.load(std::memory_order_acquire);
  if (!refused || calls || !handler) return;
  log_.debug("a raft peer's process has ended", {{"peer", peer.value}});
  handler->peer_gone(peer);
}

/// It is still on the stack: it dies when its handler has returned.
void RaftTransport::bury(Outgoing& connection) {
  std::unique_ptr<Outgoing> dead;
  for (auto& [id, peer] : peers_) {
    if (peer->entries.get() == &connection) dead = std::move(peer->entries);
    if (peer->small.get() == &connection) dead = std::move(peer->small);
    const auto found = std::ranges::find(peer->snapshots, &connection,
                                         [](const std::unique_ptr<Outgoing>& each) { return each.get(); });
    if (found == peer->snapshots.end()) continue;
    dead = std::move(*found);
    peer->snapshots.erase(found);
  }
  if (dead) loop_.post([dead = std::move(dead)] {});
}

void RaftTransport::bury(Incoming& connection) {
  const auto found = incoming_.find(&connection);
  if (found == incoming_.end()) return;
  found->second->quiet();
  loop_.post([dead = std::move(found->second)] {});
  incoming_.erase(found);
}

}  // namespace proconsul::agent::rpc
