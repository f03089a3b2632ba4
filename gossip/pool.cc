#include "gossip/pool.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include "base/clock.h"
#include "base/log.h"
#include "gossip/serf/keyring_file.h"
#include "gossip/serf/snapshot_file.h"
#include "gossip/swim/driver.h"

namespace proconsul::gossip {

using base::Errc;
using base::Result;

namespace {

constexpr std::string_view kEnded = "the gossip pool is shut down";

}  // namespace

/// What lives on the loop. It outlives the pool only as long as a posted task holds it, and is empty then.
class Pool::Inner final : public std::enable_shared_from_this<Inner>, private serf::Observer, private base::net::Timer {
 public:
  Inner(base::net::Loop& loop, PoolHandler& handler)
      : loop_(loop), handler_(handler), view_(PoolViewPtr::adopt(new PoolView)) {}

  Result<> start(PoolConfig config);
  void end();
  bool ended() const { return serf_ == nullptr; }
  serf::Serf& serf() { return *serf_; }
  const serf::Serf& serf() const { return *serf_; }
  std::uint16_t port() const { return driver_->port(); }
  swim::Driver& driver() { return *driver_; }
  PoolViewPtr view() const { return view_.load(); }

  /// What happened so far becomes visible and is told.
  void flush();
  /// Wraps what is called back: it finds the view as it is then.
  template <class... Arguments>
  std::move_only_function<void(Arguments...)> after_publishing(std::move_only_function<void(Arguments...)> done) {
    return [weak = weak_from_this(), done = std::move(done)](Arguments... arguments) mutable {
      if (const auto self = weak.lock()) self->publish();
      if (done) done(std::forward<Arguments>(arguments)...);
    };
  }

 private:
  struct ConflictLost {};
  using Event = std::variant<serf::MemberEvent, serf::UserEventMessage, serf::IncomingQuery, ConflictLost>;

  void member_event(const serf::MemberEvent& event) override { later(event); }
  void user_event(const serf::UserEventMessage& event) override { later(event); }
  void query(serf::IncomingQuery query) override { later(std::move(query)); }
  void name_conflict_lost() override { later(ConflictLost{}); }
  void view_changed() override;
  void on_timer() override;

  void later(Event event);
  void flush_later();
  void publish();
  void arm();

  base::net::Loop& loop_;
  PoolHandler& handler_;
  base::AtomicRef<const PoolView> view_;
  bool view_is_old_ = true;
  bool flush_is_posted_ = false;
  std::vector<Event> events_{};
  std::optional<Keyring> keyring_{};
  std::unique_ptr<serf::KeyringFile> keyring_file_{};
  std::unique_ptr<serf::SnapshotFile> snapshot_file_{};
  std::unique_ptr<serf::Serf> serf_{};
  std::unique_ptr<swim::Driver> driver_{};
};

Result<> Pool::Inner::start(PoolConfig config) {
  const base::log::Logger log(config.logger + ".serf." + config.network);
  std::string kept;
  if (!config.snapshot_file.empty()) {
    auto file = serf::SnapshotFile::open(config.snapshot_file, kept, log, config.settings.labels);
    if (!file) return {file.error().code, "Failed to setup snapshot: " + file.error().detail};
    snapshot_file_ = std::move(*file);
  }
  keyring_ = std::move(config.keyring);
  if (keyring_ && !config.keyring_file.empty()) {
    keyring_file_ = std::make_unique<serf::KeyringFile>(config.keyring_file);
  }
  swim::DriverOptions options;
  options.bind_ip = config.bind_ip;
  options.bind_port = config.bind_port;
  options.logger = config.logger + ".memberlist." + config.network;
  options.network = config.network;
  options.detour = config.detour;
  options.config.name = config.settings.node_name;
  options.config.address = config.advertise;
  options.config.timing = config.settings.timing;
  options.config.wrapping.keyring = keyring_ ? &*keyring_ : nullptr;
  options.config.wrapping.verify_incoming = config.verify_incoming;
  options.config.wrapping.verify_outgoing = config.verify_outgoing;

  auto serf = serf::Serf::create(std::move(config.settings), {.clock = base::system_clock(),
                                                              .random = base::system_random(),
                                                              .observer = *this,
                                                              .keyring = keyring_ ? &*keyring_ : nullptr,
                                                              .keyring_store = keyring_file_.get(),
                                                              .snapshot_store = snapshot_file_.get(),
                                                              .snapshot = kept,
                                                              .log = log});
  if (!serf) return serf.error();
  auto driver = swim::Driver::open(loop_, std::move(options));
  if (!driver) return {driver.error().code, "Failed to create memberlist: " + driver.error().detail};
  if (Result<> started = (*driver)->start(**serf); !started) {
    return {started.error().code, "Failed to create memberlist: " + started.error().detail};
  }
  serf_ = std::move(*serf);
  driver_ = std::move(*driver);
  serf_->alarms().when_earlier([this] { arm(); });
  serf_->start(*driver_);
  arm();
  publish();
  return {};
}

void Pool::Inner::end() {
  cancel();
  if (serf_) serf_->shutdown();
  driver_.reset();
  serf_.reset();
  events_.clear();
  snapshot_file_.reset();  // waits until it is written
}

void Pool::Inner::arm() {
  const auto next = serf_->alarms().next();
  if (!next) return cancel();
  const base::Duration left = *next - serf_->alarms().now();
  Timer::arm(loop_, base::net::Clock::now() + std::chrono::nanoseconds(std::max<std::int64_t>(0, left.nanoseconds)));
}

void Pool::Inner::on_timer() {
  serf_->alarms().run_due();
  arm();
}

void Pool::Inner::view_changed() {
  view_is_old_ = true;
  flush_later();
}

void Pool::Inner::later(Event event) {
  events_.push_back(std::move(event));
  flush_later();
}

void Pool::Inner::flush_later() {
  // Serf tells this from within itself: it is told on when serf has come to rest, and all of a batch together.
  if (!std::exchange(flush_is_posted_, true)) {
    loop_.post([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->flush();
    });
  }
}

void Pool::Inner::publish() {
  if (ended() || !std::exchange(view_is_old_, false)) return;
  auto* view = new PoolView;
  view->local_name = serf_->settings().node_name;
  view->members = serf_->members();
  view->coordinates = serf_->coordinates();
  view_.store(PoolViewPtr::adopt(view));
}

void Pool::Inner::flush() {
  flush_is_posted_ = false;
  publish();
  for (Event& event : std::exchange(events_, {})) {
    if (ended()) return;
    if (auto* members = std::get_if<serf::MemberEvent>(&event)) {
      handler_.member_event(*members);
    } else if (auto* user = std::get_if<serf::UserEventMessage>(&event)) {
      handler_.user_event(*user);
    } else if (auto* query = std::get_if<serf::IncomingQuery>(&event)) {
      handler_.query(std::move(*query));
    } else {
      handler_.name_conflict_lost();
    }
  }
}

Result<std::unique_ptr<Pool>> Pool::start(base::net::Loop& loop, PoolConfig config, PoolHandler& handler) {
  std::unique_ptr<Pool> pool(new Pool(loop));
  pool->inner_ = std::make_shared<Inner>(loop, handler);
  Result<> started{};
  const auto start = [&] {
    started = pool->inner_->start(std::move(config));
    if (started) pool->port_ = pool->inner_->port();
  };
  if (loop.is_current()) {
    start();
  } else {
    loop.run(start);
  }
  if (!started) return started.error();
  return pool;
}

Pool::~Pool() {
  if (!inner_) return;
  if (loop_.is_current()) {
    inner_->end();
  } else {
    loop_.run([this] { inner_->end(); });
  }
}

PoolViewPtr Pool::view() const {
  return inner_->view();
}

serf::Stats Pool::stats() const {
  if (loop_.is_current()) return inner_->serf().stats();
  serf::Stats stats;
  loop_.run([&] { stats = inner_->serf().stats(); });
  return stats;
}

/// `work` gets the inner pool, or null if that has ended.
template <class Work>
void Pool::post(Work work) {
  loop_.post([inner = inner_, work = std::move(work)]() mutable {
    if (inner->ended()) return work(static_cast<Inner*>(nullptr));
    work(inner.get());
    inner->flush();
  });
}

void Pool::join(std::vector<swim::Address> addresses, bool ignore_old, DoneWith<swim::JoinOutcome> done) {
  post([addresses = std::move(addresses), ignore_old, done = std::move(done)](Inner* inner) mutable {
    if (inner == nullptr) return done(Result<swim::JoinOutcome>(Errc::unavailable, std::string(kEnded)));
    inner->serf().join(std::move(addresses), ignore_old, inner->after_publishing(std::move(done)));
  });
}

void Pool::leave(Done done) {
  post([done = std::move(done)](Inner* inner) mutable {
    if (inner == nullptr) return done(Result<>(Errc::unavailable, std::string(kEnded)));
    inner->serf().leave(inner->after_publishing(std::move(done)));
  });
}

void Pool::force_leave(std::string name, bool prune, Done done) {
  post([name = std::move(name), prune, done = std::move(done)](Inner* inner) mutable {
    if (inner == nullptr) return done(Result<>(Errc::unavailable, std::string(kEnded)));
    inner->serf().force_leave(name, prune, inner->after_publishing(std::move(done)));
  });
}

void Pool::set_tags(base::Map<std::string> tags, Done done) {
  post([tags = std::move(tags), done = std::move(done)](Inner* inner) mutable {
    if (inner == nullptr) return done(Result<>(Errc::unavailable, std::string(kEnded)));
    inner->serf().set_tags(std::move(tags), inner->after_publishing(std::move(done)));
  });
}

void Pool::user_event(std::string name, base::Bytes payload, bool coalesce, Done done) {
  post([name = std::move(name), payload = std::move(payload), coalesce, done = std::move(done)](Inner* inner) mutable {
    if (inner == nullptr) return done(Result<>(Errc::unavailable, std::string(kEnded)));
    done(inner->serf().user_event(name, std::move(payload), coalesce));
  });
}

void Pool::query(std::string name, base::Bytes payload, serf::QueryParams params, serf::QuerySinks sinks,
                 DoneWith<serf::QueryHandle> asked) {
  post([name = std::move(name), payload = std::move(payload), params = std::move(params), sinks = std::move(sinks),
        asked = std::move(asked)](Inner* inner) mutable {
    if (inner == nullptr) return asked(Result<serf::QueryHandle>(Errc::unavailable, std::string(kEnded)));
    asked(inner->serf().query(name, std::move(payload), std::move(params), std::move(sinks)));
  });
}

void Pool::close_query(serf::QueryHandle query) {
  post([query](Inner* inner) {
    if (inner != nullptr) inner->serf().close_query(query);
  });
}

void Pool::respond(serf::IncomingQuery query, base::Bytes payload, Done done) {
  post([query = std::move(query), payload = std::move(payload), done = std::move(done)](Inner* inner) mutable {
    if (inner == nullptr) return done(Result<>(Errc::unavailable, std::string(kEnded)));
    done(inner->serf().respond(query, std::move(payload)));
  });
}

void Pool::key_operation(serf::KeyOperation operation, std::string key, std::uint8_t relay_factor, serf::KeyDone done) {
  post([operation, key = std::move(key), relay_factor, done = std::move(done)](Inner* inner) mutable {
    if (inner == nullptr) return done({.error = std::string(kEnded)});
    inner->serf().key_operation(operation, std::move(key), relay_factor, std::move(done));
  });
}

void Pool::take_packet(const swim::Address& from, std::string_view bytes) {
  if (!inner_->ended()) inner_->driver().take_packet(from, bytes);
}

void Pool::take_stream(const swim::Address& from, base::net::ChannelPtr channel) {
  if (!inner_->ended()) inner_->driver().take_stream(from, std::move(channel));
}

}  // namespace proconsul::gossip
