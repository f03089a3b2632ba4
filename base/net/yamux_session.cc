#include "base/net/yamux_session.h"

#include <utility>
#include <vector>

namespace proconsul::base::net {

namespace {
constexpr std::size_t kBatch = 64 * 1024;   // of one write to the connection
constexpr std::size_t kAhead = 256 * 1024;  // bytes that the connection may keep: the rest waits in the streams
}  // namespace

class YamuxSession::Stream final : public Channel, public std::enable_shared_from_this<YamuxSession::Stream> {
 public:
  Stream(std::shared_ptr<YamuxSession> session, Yamux::StreamId id) : session_(std::move(session)), id_(id) {}
  ~Stream() override { close(); }

  void set_user(User* user) override {
    user_ = user;
    if (!user || (early_.empty() && !early_finish_)) return;
    // As from the wire: not from within this call.
    session_->loop_.post([self = session_->find(id_)] {
      if (self) self->catch_up();
    });
  }
  void send(std::string_view data) override {
    if (closed_) return;
    session_->core_.write(id_, data);
    session_->flush_soon();
  }
  std::size_t unsent() const override { return session_->core_.unsent(id_); }
  void consumed(std::size_t bytes) override {
    if (closed_) return;
    session_->core_.consumed(id_, bytes);
    session_->flush_soon();
  }
  void finish() override {
    if (closed_) return;
    session_->core_.finish(id_, session_->loop_.now());
    session_->after();
  }
  void close() override {
    if (std::exchange(closed_, true)) return;
    user_ = nullptr;
    session_->streams_.erase(id_);
    const auto reset = [session = session_, id = id_] {
      session->core_.reset(id);
      session->after();
    };
    // What was sent before goes before the reset.
    session_->flush_posted_ ? session_->loop_.post(reset) : reset();
  }
  bool closed() const override { return closed_; }

  // From the session, which holds this stream meanwhile.
  void data(std::string_view data) {
    if (user_ && early_.empty()) return user_->received(data);
    early_ += data;
  }
  void peer_finished() {
    if (user_ && early_.empty()) return user_->finished();
    early_finish_ = true;
  }
  void written() {
    if (user_) user_->drained();
  }
  /// Null: closed in order, as the user knows.
  void over(const Error* reason) {
    closed_ = true;
    if (User* user = std::exchange(user_, nullptr); user && reason) user->ended(*reason);
  }

 private:
  void catch_up() {
    if (closed_ || !user_) return;
    if (const std::string bytes = std::exchange(early_, {}); !bytes.empty()) user_->received(bytes);
    if (!closed_ && user_ && std::exchange(early_finish_, false)) user_->finished();
  }

  const std::shared_ptr<YamuxSession> session_;
  const Yamux::StreamId id_;
  User* user_ = nullptr;
  std::string early_{};  // what came while there was no user
  bool early_finish_ = false;
  bool closed_ = false;
};

YamuxSession::YamuxSession(Loop& loop, ChannelPtr connection, Yamux::Options options, Events events)
    : loop_(loop),
      connection_(std::move(connection)),
      events_(std::move(events)),
      core_(options, *this, Clock::now()) {}

std::shared_ptr<YamuxSession> YamuxSession::start(Loop& loop, ChannelPtr connection, Yamux::Options options,
                                                  Events events) {
  std::shared_ptr<YamuxSession> session(new YamuxSession(loop, std::move(connection), options, std::move(events)));
  session->connection_->set_user(session.get());
  session->arm(loop, session->core_.next_deadline());
  return session;
}

YamuxSession::~YamuxSession() {
  connection_->close();
}

std::shared_ptr<YamuxSession::Stream> YamuxSession::add(Yamux::StreamId id) {
  auto stream = std::make_shared<Stream>(shared_from_this(), id);
  streams_[id] = stream;
  return stream;
}

std::shared_ptr<YamuxSession::Stream> YamuxSession::find(Yamux::StreamId id) const {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.lock();
}

Result<ChannelPtr> YamuxSession::open() {
  Result<Yamux::StreamId> id = core_.open(Clock::now());
  if (!id) return id.error();
  ChannelPtr stream = add(*id);
  flush_soon();
  return stream;
}

void YamuxSession::close() {
  const auto self = shared_from_this();
  events_ = {};
  if (flush_posted_ && !busy_) flush();
  core_.end({Errc::eof, "session shutdown"});
  after();
}

// From the connection.

void YamuxSession::received(std::string_view data) {
  const auto self = shared_from_this();
  busy_ = true;
  core_.receive(data, loop_.now());
  busy_ = false;
  // The windows of the streams bound what the peer may send.
  connection_->consumed(data.size());
  after();
}

void YamuxSession::finished() {
  ended({Errc::eof, "EOF"});
}

void YamuxSession::drained() {
  const auto self = shared_from_this();
  after();
}

void YamuxSession::ended(const Error& reason) {
  const auto self = shared_from_this();
  core_.end(reason);
  after();
}

void YamuxSession::on_timer() {
  const auto self = shared_from_this();
  busy_ = true;
  core_.tick(Clock::now());
  busy_ = false;
  after();
}

/// After every touch of the core: sends what there is, sets the clock, and sees whether it is over.
void YamuxSession::after() {
  if (busy_) return;
  const auto self = shared_from_this();
  flush();
  if (core_.ended()) return over();
  const Clock::time_point next = core_.next_deadline();
  if (!armed() || deadline() > next) arm(loop_, next);
}

/// Many streams send in the same round of the loop: together it is one write to the connection, not one each.
void YamuxSession::flush_soon() {
  if (busy_ || std::exchange(flush_posted_, true)) return;
  loop_.post([self = shared_from_this()] {
    self->flush_posted_ = false;
    self->after();
  });
}

void YamuxSession::flush() {
  if (connection_->closed()) return;
  busy_ = true;
  bool more = true;
  while (more && connection_->unsent() < kAhead) {
    output_.clear();
    more = core_.take_output(output_, kBatch);
    if (output_.empty()) break;
    connection_->send(output_);
    if (connection_->closed()) break;
  }
  if (output_.capacity() > 4 * kBatch) output_ = {};
  busy_ = false;
}

void YamuxSession::over() {
  cancel();
  if (connection_->closed()) return;
  // A go-away may still be under way.
  connection_->set_user(nullptr);
  connection_->finish();
  connection_->close();
  if (events_.ended) {
    auto tell = std::move(events_.ended);
    events_ = {};
    tell(*core_.ended());
  }
}

// From the core.

void YamuxSession::incoming(Yamux::StreamId id) {
  if (!events_.incoming) return core_.reset(id);
  core_.accept(id);
  events_.incoming(add(id));
}

void YamuxSession::data(Yamux::StreamId id, std::string_view data) {
  if (const auto stream = find(id)) stream->data(data);
}

void YamuxSession::peer_finished(Yamux::StreamId id) {
  if (const auto stream = find(id)) stream->peer_finished();
}

void YamuxSession::closed(Yamux::StreamId id) {
  const auto stream = find(id);
  streams_.erase(id);
  if (stream) stream->over(nullptr);
}

void YamuxSession::broken(Yamux::StreamId id, const Error& reason) {
  const auto stream = find(id);
  streams_.erase(id);
  if (stream) stream->over(&reason);
}

void YamuxSession::written(Yamux::StreamId id) {
  if (const auto stream = find(id)) stream->written();
}

}  // namespace proconsul::base::net
