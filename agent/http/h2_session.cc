#include "agent/http/h2_session.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "agent/http/carrier.h"
#include "agent/http/h2_head.h"
#include "agent/http/worker.h"

namespace proconsul::agent::http {

using base::net::Clock;
using base::net::H2Fields;
using base::net::H2ServerCodec;

namespace {

constexpr std::uint32_t kMostStreams = 250;  // as Go's server
constexpr std::uint32_t kStreamWindow = 256 * 1024;
constexpr std::uint32_t kSessionWindow = 1024 * 1024;
constexpr std::size_t kStreamRoom = 64 * 1024;  // for what a client has no window for yet
constexpr std::size_t kSessionRoom = 1024 * 1024;
constexpr std::size_t kOutputPiece = 64 * 1024;
constexpr std::size_t kMostSkipped = 256 * 1024;  // of a request that is answered before it is whole
constexpr std::size_t kMostUnsent = 256 * 1024;   // below HTTP/2's windows

// Error codes of RFC 9113 section 7.
constexpr std::uint32_t kNoError = 0, kProtocolError = 1, kInternalError = 2, kInadequateSecurity = 12;

Clock::duration lasting(base::Duration duration) {
  return std::chrono::nanoseconds(duration.nanoseconds);
}

}  // namespace

class H2Session::Stream final : public Carrier {
 public:
  Stream(H2Session& session, StreamId id) : session_(session), id_(id) {}
  ~Stream() override {
    session_.codec_.consumed(id_, held_);
    if (Connection* connection = std::exchange(connection_, nullptr)) connection->hang_up();
  }

  void start(const std::string& head, bool finished) {
    chunked_ = !finished && head.ends_with("\r\nTransfer-Encoding: chunked\r\n\r\n");
    connection_ = &session_.worker_.open(*this, session_.remote_);
    connection_->take(head);
  }

  void take(std::string_view data) {
    held_ += data.size();
    if (chunked_) {
      char size[20];
      const auto end = std::to_chars(std::begin(size), std::end(size), data.size(), 16);
      input_.append(size, end.ptr).append("\r\n");
    }
    input_.append(data);
    if (chunked_) input_ += "\r\n";
    listen();
  }
  void take_end() {
    if (chunked_) input_ += "0\r\n\r\n";
    listen();
  }

  void listen() override {
    // What nobody will hear is not held either.
    while (!input_.empty() && (connection_ == nullptr || connection_->hears())) {
      session_.codec_.consumed(id_, std::exchange(held_, 0));
      const std::string input = std::exchange(input_, {});
      if (connection_ != nullptr) connection_->take(input);
    }
    session_.flush_soon();
  }

  std::size_t write(std::string_view bytes) override {
    std::size_t taken = 0;
    if (!has_head_) {
      taken = bytes.find("\r\n\r\n") + 4;
      AnswerHead head = answer_head(bytes.substr(0, taken));
      session_.flush_soon();
      if (head.interim) {
        session_.codec_.inform(id_, head.fields);
        return taken;
      }
      has_head_ = true;
      head_ = std::move(head.fields);
      if (head.streams) respond();
    }
    const std::string_view rest = bytes.substr(taken);
    if (rest.empty()) return taken;
    respond();
    const std::size_t count = std::min(rest.size(), session_.room(id_));
    if (count > 0) session_.codec_.send(id_, std::make_shared<const std::string>(rest.substr(0, count)));
    if (count < rest.size()) session_.waiting_.push_back(id_);
    session_.flush_soon();
    return taken + count;
  }

  void finish() override {
    connection_ = nullptr;
    input_.clear();  // nobody will hear it, and the client may be waiting to send the rest
    session_.codec_.consumed(id_, std::exchange(held_, 0));
    if (responded_) {
      session_.codec_.finish(id_, {});
    } else {
      session_.codec_.answer(id_, head_);
    }
    session_.flush_soon();
  }

  void abandon() override {
    connection_ = nullptr;
    session_.codec_.reset(id_, kInternalError);
    session_.flush_soon();
  }

  void refuse() override {
    connection_ = nullptr;
    session_.codec_.reset(id_, kProtocolError);
    session_.flush_soon();
  }

  void drained() {
    if (connection_ != nullptr) connection_->drained();
  }

 private:
  void respond() {
    if (!std::exchange(responded_, true)) session_.codec_.respond(id_, std::exchange(head_, {}));
  }

  H2Session& session_;
  const StreamId id_;
  Connection* connection_ = nullptr;
  std::string input_{};    // that the connection does not hear yet
  std::size_t held_ = 0;   // of what came, the bytes that the client does not know to be dealt with
  H2Fields head_{};        // of the answer, while it may be all there is of it
  bool chunked_ = false;   // the request's body has no length
  bool has_head_ = false;  // the answer's is known
  bool responded_ = false;
};

H2Session::H2Session(Worker& worker, std::shared_ptr<base::net::TcpChannel> channel, std::string remote)
    : worker_(worker),
      channel_(std::move(channel)),
      remote_(std::move(remote)),
      codec_({.most_streams = kMostStreams,
              .most_fields = worker.most_head_bytes(),
              .window = kStreamWindow,
              .connection_window = kSessionWindow,
              .patience = kMostSkipped},
             *this) {}

H2Session::~H2Session() {
  quiet();
}

void H2Session::start() {
  begun_ = Clock::now();
  // RFC 9113 section 9.2.2; as Go's server.
  if (!channel_->tls()->is_fit_for_h2()) return refuse(kInadequateSecurity, "Prohibited TLS 1.2 Cipher Suite");
  flush();
  channel_->set_user(this);
}

void H2Session::say_goodbye() {
  codec_.say_goodbye(kNoError, {});
  flush();
}

void H2Session::refuse(std::uint32_t error, std::string_view words) {
  codec_.say_goodbye(error, words);
  flush();
  channel_->finish();
  worker_.bury(*this);
}

void H2Session::quiet() {
  *here_ = false;
  cancel();
  channel_->close();
  streams_.clear();
}

// ---- the client's bytes ----

void H2Session::received(std::string_view data) {
  taking_ = true;
  const base::Result<> taken = codec_.take(data);
  taking_ = false;
  flush();
  if (!taken) {
    channel_->finish();
    return worker_.bury(*this);
  }
  held_ += data.size();
  if (channel_->unsent() < kMostUnsent) channel_->consumed(std::exchange(held_, 0));
}

void H2Session::finished() {
  worker_.bury(*this);
}

void H2Session::ended(const base::Error&) {
  worker_.bury(*this);
}

void H2Session::drained() {
  flush();
  if (channel_->unsent() < kMostUnsent) channel_->consumed(std::exchange(held_, 0));
}

void H2Session::flush_soon() {
  if (taking_ || std::exchange(flush_posted_, true)) return;
  worker_.loop().post([this, here = here_] {
    if (!*here) return;
    flush_posted_ = false;
    flush();
  });
}

void H2Session::flush() {
  while (channel_->unsent() < kMostUnsent) {
    const std::string out = codec_.output(kOutputPiece);
    if (out.empty()) break;
    channel_->send(out);
  }
  for (const StreamId id : std::exchange(waiting_, {})) {
    const auto found = streams_.find(id);
    if (found == streams_.end()) continue;
    if (room(id) == 0) {
      waiting_.push_back(id);
    } else {
      found->second->drained();
    }
  }
  watch_client();
}

std::size_t H2Session::room(StreamId id) const {
  return std::min(kStreamRoom - std::min(codec_.unsent(id), kStreamRoom),
                  kSessionRoom - std::min(codec_.unsent(), kSessionRoom));
}

void H2Session::watch_client() {
  if (!*here_) return;
  const Clock::time_point now = Clock::now();
  const Settings& settings = worker_.settings();
  Clock::time_point end = Clock::time_point::max();
  if (!codec_.has_settings()) end = begun_ + lasting(settings.handshake_timeout);
  if (!std::exchange(in_head_, codec_.has_open_head())) head_begun_ = now;
  if (in_head_) end = std::min(end, head_begun_ + lasting(settings.head_timeout));
  const std::size_t unread = channel_->unsent();
  if (unread_ == 0 || unread < unread_) unread_since_ = now;
  unread_ = unread;
  if (unread > 0) end = std::min(end, unread_since_ + lasting(settings.write_timeout));
  if (end == Clock::time_point::max()) return cancel();
  arm(worker_.loop(), end);
}

void H2Session::on_timer() {
  if (channel_->unsent() < unread_) return watch_client();
  worker_.bury(*this);
}

// ---- its requests ----

void H2Session::request(StreamId id, H2Fields fields, bool finished) {
  const base::Result<std::string> head = request_head(fields, finished);
  if (!head) return codec_.reset(id, kProtocolError);
  const auto [place, is_new] = streams_.insert_or_assign(id, std::make_unique<Stream>(*this, id));
  (void)is_new;
  place->second->start(*head, finished);
}

bool H2Session::oversized(StreamId id) {
  codec_.respond(id, {{":status", "431"}, {"content-type", std::string(content::kText)}});
  codec_.send(id, std::make_shared<const std::string>("431 Request Header Fields Too Large"));
  codec_.finish(id, {});
  return true;
}

void H2Session::received(StreamId id, std::string_view data) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return codec_.consumed(id, data.size());
  found->second->take(data);
}

void H2Session::finished(StreamId id) {
  if (const auto found = streams_.find(id); found != streams_.end()) found->second->take_end();
}

void H2Session::closed(StreamId id, std::uint32_t) {
  // Out of the table first: what it ends may look at the session while it goes.
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  const std::unique_ptr<Stream> gone = std::move(found->second);
  streams_.erase(found);
}

}  // namespace proconsul::agent::http
