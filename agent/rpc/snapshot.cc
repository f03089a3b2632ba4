#include "agent/rpc/snapshot.h"

#include <chrono>
#include <utility>

#include "agent/rpc/asking.h"
#include "agent/rpc/kind_byte.h"
#include "agent/rpc/types.h"
#include "agent/server/archives.h"
#include "base/msgpack_size.h"
#include "base/net/pipe.h"
#include "base/net/tcp_channel.h"
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

constexpr char kSnapshotByte = 5;
constexpr std::size_t kMostHeader = 64 * 1024;
constexpr std::size_t kPiece = 64 * 1024;
constexpr auto kHeaderTimeout = std::chrono::seconds(10);
constexpr auto kIdleTimeout = std::chrono::minutes(2);  // in which nothing moves
constexpr base::Int kSave = 0, kRestore = 1;

}  // namespace

class SnapshotService::Connection final : Channel::User, base::net::Timer {
 public:
  Connection(SnapshotService& service, std::shared_ptr<TcpChannel> channel, std::shared_ptr<const void> place)
      : service_(service), from_(channel->peer()), channel_(std::move(channel)), place_(std::move(place)) {
    channel_->set_user(this);
    arm(service_.loop_, Clock::now() + kHeaderTimeout);
  }
  ~Connection() override { quiet(); }
  /// Nothing comes from it any more.
  void quiet() {
    *here_ = false;
    cancel();
    attempt_.reset();
    remote_.reset();
    channel_->close();
    if (out_) std::exchange(out_, nullptr)->abandon();
    if (in_) std::exchange(in_, nullptr)->end(Error{Errc::cancelled, "the client went away"});
  }

 private:
  /// The other end of a request that somebody else answers.
  struct Remote final : Channel::User {
    Remote(Connection& of, ChannelPtr to) : connection(of), channel(std::move(to)) { channel->set_user(this); }
    ~Remote() override { channel->close(); }
    void received(std::string_view data) override {
      connection.moved();
      connection.channel_->send(data);
      held += data.size();
      if (connection.channel_->unsent() == 0) channel->consumed(std::exchange(held, 0));
    }
    void finished() override { connection.end(); }
    void drained() override { connection.release(); }
    void ended(const Error& reason) override { connection.fail(reason.detail); }
    Connection& connection;
    const ChannelPtr channel;
    std::size_t held = 0;
  };

  void received(std::string_view data) override {
    if (over_) return channel_->consumed(data.size());
    moved();
    held_ += data.size();
    if (remote_) {
      remote_->channel->send(data);
      if (remote_->channel->unsent() == 0) release();
    } else if (in_) {
      take(data);
    } else {
      input_ += data;
      if (!known_) read_header();
    }
  }
  void finished() override {
    peer_finished_ = true;
    if (!known_ || over_) return service_.bury(*this);
    if (remote_) return remote_->channel->finish();
    if (in_) std::exchange(in_, nullptr)->end();
  }
  void drained() override {
    if (out_) feed();
    if (remote_ && remote_->held > 0) remote_->channel->consumed(std::exchange(remote_->held, 0));
  }
  void ended(const Error&) override { service_.bury(*this); }
  void on_timer() override { service_.bury(*this); }

  void moved() { arm(service_.loop_, Clock::now() + kIdleTimeout); }
  void release() { channel_->consumed(std::exchange(held_, 0)); }

  template <class Task>
  auto later(Task task) {
    return
        [&loop = service_.loop_, alive = service_.alive_, here = here_, task = std::move(task)](auto... news) mutable {
          loop.post([alive, here, task = std::move(task), ... news = std::move(news)]() mutable {
            if (*alive && *here) task(std::move(news)...);
          });
        };
  }

  void read_header() {
    const Result<std::size_t> size = base::msgpack_size(input_, kMostHeader);
    if (!size) return fail("failed to decode request: " + size.error().detail);
    if (*size == 0) return release();
    const Result<> read = base::read_msgpack(std::string_view(input_).substr(0, *size), request_);
    if (!read) return fail("failed to decode request: " + read.error().detail);
    known_ = true;
    header_ = input_.substr(0, *size);
    input_.erase(0, *size);
    route();
  }

  void route() {
    if (!request_.Datacenter.empty() && request_.Datacenter != service_.services_.datacenter) {
      const Result<Target> target = service_.cluster_.route(request_.Datacenter);
      return target ? forward(*target) : fail(target.error().detail);
    }
    const bool stale_save = request_.AllowStale && request_.Op == kSave;
    if (!stale_save && !service_.services_.server.leadership().is_leader) {
      const Result<Target> leader = service_.cluster_.leader();
      return leader ? forward(*leader) : fail(leader.error().detail);
    }
    const Result<tokens::Who> who = asking(service_.services_, request_.Token);
    if (!who && tokens::Resolver::is_pending(who.error()) && !std::exchange(fetched_, true)) {
      return service_.services_.tokens->fetch(who.error(), later([this] { route(); }));
    }
    if (!who) return fail(who.error().detail);
    const Result<> allowed = tokens::require(*who, acl::Resource::acl, acl::Access::write);
    if (!allowed) return fail(allowed.error().detail);
    if (request_.Op == kRestore) return request_.AllowStale ? fail("stale not allowed for restore") : restore();
    if (request_.Op != kSave) return fail("unrecognized snapshot op " + std::to_string(request_.Op));
    if (stale_save) return save();
    service_.services_.server.verify_leader(
        later([this](Result<> leads) { leads ? save() : fail(leads.error().detail); }));
  }

  void save() {
    service_.services_.cluster->take_snapshot(
        later([this](Result<server::Operator::Snapshot> snapshot) { saved(std::move(snapshot)); }));
  }
  void saved(Result<server::Operator::Snapshot> snapshot) {
    if (!snapshot) return fail(snapshot.error().detail);
    SnapshotResponse response{};
    response.Index = snapshot->index;
    const server::Leadership leadership = service_.services_.server.leadership();
    response.KnownLeader = leadership.known;
    response.LastContact = leadership.last_contact;
    channel_->send(base::to_msgpack(response));
    out_ = std::make_shared<Pipe>();
    server::send_archive(service_.background_, std::move(*snapshot), out_);
    feed();
  }
  /// From the thread that reads the disk to the socket, no more than it takes.
  void feed() {
    while (out_ && channel_->unsent() < base::net::kChannelWindow) {
      std::string piece;
      const Pipe::State state = out_->pull(piece, kPiece, later([this] { feed(); }));
      if (state == Pipe::State::later) return;
      // Without its end the archive is not whole, and its reader sees that.
      if (state == Pipe::State::failed) return service_.bury(*this);
      if (state == Pipe::State::end) {
        out_.reset();
        return end();
      }
      moved();
      channel_->send(piece);
    }
  }

  void restore() {
    in_ = std::make_shared<Pipe>();
    service_.background_.run([pipe = in_, cluster = service_.services_.cluster, scratch = service_.scratch_,
                              then = later([this](Result<std::vector<catalog::SnapshotLoss>> done) {
                                done ? restored(std::move(*done)) : fail(done.error().detail);
                              })]() mutable {
      raft::PipeSource upload(pipe);
      server::receive_archive(*cluster, scratch, upload, std::move(then));
    });
    const std::string first = std::exchange(input_, {});
    take(first);
    if (peer_finished_ && in_) std::exchange(in_, nullptr)->end();
  }
  void take(std::string_view bytes) {
    if (in_->offer(bytes, later([this] { release(); }))) release();
  }
  void restored(std::vector<catalog::SnapshotLoss> left_out) {
    SnapshotResponse response{};
    response.LeftOut = base::List<catalog::SnapshotLoss>(std::move(left_out));
    response.KnownLeader = true;
    response.Index = 1;
    channel_->send(base::to_msgpack(response));
    end();
  }

  void forward(const Target& target) {
    attempt_ = base::net::connect(service_.loop_, service_.pool_.destination(target, kRpcSnapshot),
                                  Clock::now() + std::chrono::seconds(10),
                                  [this](Result<std::shared_ptr<TcpChannel>> channel) {
                                    service_.loop_.post([dead = std::move(attempt_)] {});
                                    if (!channel) return fail(channel.error().detail);
                                    const std::string begin = kind_byte(**channel, kSnapshotByte);
                                    remote_ = std::make_unique<Remote>(*this, std::move(*channel));
                                    remote_->channel->send(begin + header_ + std::exchange(input_, {}));
                                    if (remote_->channel->unsent() == 0) release();
                                    if (peer_finished_) remote_->channel->finish();
                                  });
  }

  void fail(const std::string& text) {
    service_.log_.error("Snapshot RPC error", {{"from", from_}, {"error", text}});
    if (over_) return;
    SnapshotResponse response{};
    response.Error = text;
    response.Index = 1;
    channel_->send(base::to_msgpack(response));
    if (in_) std::exchange(in_, nullptr)->abandon();
    release();
    end();
  }
  /// All is said; the peer must be able to read it before the connection goes.
  void end() {
    over_ = true;
    moved();
    channel_->finish();
    if (channel_->closed()) service_.bury(*this);
  }

  SnapshotService& service_;
  const std::string from_;
  const ChannelPtr channel_;
  const std::shared_ptr<const void> place_;
  std::string input_{};
  std::string header_{};  // of the request, as it came
  SnapshotRequest request_{};
  std::size_t held_ = 0;  // received, not acknowledged
  std::shared_ptr<Pipe> out_{}, in_{};
  std::unique_ptr<base::net::Attempt> attempt_{};
  std::unique_ptr<Remote> remote_{};
  bool known_ = false;
  bool fetched_ = false;  // its token was asked for
  bool peer_finished_ = false;
  bool over_ = false;
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
};

SnapshotService::SnapshotService(base::net::Loop& loop, Services services, Cluster& cluster, Pool& pool,
                                 std::string scratch)
    : loop_(loop), services_(std::move(services)), cluster_(cluster), pool_(pool), scratch_(std::move(scratch)) {}

SnapshotService::~SnapshotService() {
  stop();
}

void SnapshotService::stop() {
  if (stopped_.exchange(true)) return;
  loop_.run([this] {
    *alive_ = false;
    connections_.clear();
  });
}

void SnapshotService::accept(base::net::Fd socket, std::unique_ptr<base::net::TlsStream> tls,
                             std::shared_ptr<const void> place) {
  loop_.post(
      [this, alive = alive_, socket = std::move(socket), tls = std::move(tls), place = std::move(place)]() mutable {
        if (!*alive) return;
        auto connection = std::make_unique<Connection>(
            *this, TcpChannel::adopt(loop_, std::move(socket), std::move(tls)), std::move(place));
        Connection* key = connection.get();
        connections_.emplace(key, std::move(connection));
      });
}

/// It is on the stack: it dies when its handler has returned.
void SnapshotService::bury(Connection& connection) {
  const auto found = connections_.find(&connection);
  if (found == connections_.end()) return;
  loop_.post([dead = std::move(found->second)] {});
  connections_.erase(found);
}

}  // namespace proconsul::agent::rpc
