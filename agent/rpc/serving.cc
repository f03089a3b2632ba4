#include "agent/rpc/serving.h"

#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include "agent/rpc/codec.h"
#include "base/metrics.h"

namespace proconsul::agent::rpc {

using base::Errc;
using base::Error;
using base::Result;
using base::net::Channel;
using base::net::ChannelPtr;

namespace {

constexpr std::size_t kKeptCapacity = 64 * 1024;
constexpr auto kLinger = std::chrono::seconds(10);

struct Metrics {
  base::metrics::Counter requests = base::metrics::counter("rpc.request");
  base::metrics::Counter errors = base::metrics::counter("rpc.request_error");
};
const Metrics& metrics() {
  static const Metrics kMetrics;
  return kMetrics;
}

/// rpc.server.call: how long a method took, with Consul's labels. Each thread looks a metric up once.
void record(const Method& method, bool leads, bool failed, std::chrono::steady_clock::time_point begun) {
  using Kinds = std::array<std::optional<base::metrics::Sample>, 4>;
  static thread_local std::unordered_map<const Method*, Kinds> known;
  std::optional<base::metrics::Sample>& sample = known[&method][(leads ? 2 : 0) + (failed ? 1 : 0)];
  if (!sample) {
    sample = base::metrics::sample("rpc.server.call", {{"method", std::string(method.name)},
                                                       {"errored", failed ? "true" : "false"},
                                                       {"request_type", method.reads() ? "read" : "write"},
                                                       {"rpc_type", "net/rpc"},
                                                       {"leader", leads ? "true" : "false"}});
  }
  sample->add_since(begun);
}

/// "rpc: can't find service X": null, with the text, when the name leads nowhere.
const Method* look_up(const std::string& name, Serving::Methods methods, std::string& error) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos) {
    error = "rpc: service/method request ill-formed: " + name;
    return nullptr;
  }
  const Method* method = find_method(name);
  const bool insecure = methods == Serving::Methods::insecure;
  if (method && ((method->flags & kInsecure) != 0) == insecure) return method;
  error = (!insecure && has_service(std::string_view(name).substr(0, dot)) ? "rpc: can't find method "
                                                                           : "rpc: can't find service ") +
          name;
  return nullptr;
}

}  // namespace

class Serving::Connection final : Channel::User, base::net::Timer {
 public:
  Connection(Serving& serving, ChannelPtr channel, std::string from, Methods methods)
      : serving_(serving), channel_(std::move(channel)), from_(std::move(from)), methods_(methods) {
    channel_->set_user(this);
  }
  ~Connection() override { channel_->close(); }
  /// Nothing comes from it any more.
  void quiet() {
    cancel();
    channel_->set_user(nullptr);
    running_.reset();
  }

 private:
  void received(std::string_view data) override {
    if (over_) return channel_->consumed(data.size());
    input_ += data;
    held_ += data.size();
    parse();
  }
  void finished() override {
    peer_finished_ = true;
    if (over_ && channel_->unsent() == 0) return serving_.bury(*this);
    if (!running_ && channel_->unsent() == 0) end();
  }
  void ended(const Error&) override { serving_.bury(*this); }
  void on_timer() override { serving_.bury(*this); }

  /// Begins the next call, once it is here whole and the one before is answered.
  void parse() {
    if (running_ || over_) return;
    const Result<std::size_t> head = header_size(input_);
    if (!head) return undecodable(head.error());
    if (*head == 0) return acknowledge();
    const Result<RequestHeader> header = read_request_header(std::string_view(input_).substr(0, *head));
    if (!header) return undecodable(header.error());
    header_ = *header;
    // Whoever is not served needs no body.
    std::string error;
    method_ = look_up(header_.service_method, methods_, error);
    if (!method_) return refuse(error);
    if (serving_.options_.limit && !counted_) {
      if (Result<> allowed = serving_.options_.limit(*method_, from_); !allowed) return refuse(allowed.error().detail);
      counted_ = true;
    }
    const Result<Pair> pair = measure(input_, serving_.options_.most_request_bytes, seen_);
    if (!pair) return refuse(pair.error().detail);
    if (!pair->whole()) return acknowledge();
    seen_ = {};
    counted_ = false;
    InvocationPtr invocation = method_->make();
    const Result<> decoded = invocation->decode_request(std::string_view(input_).substr(pair->header, pair->body));
    input_.erase(0, pair->header + pair->body);
    if (input_.empty() && input_.capacity() > kKeptCapacity) input_ = {};
    if (!decoded) return refuse(decoded.error().detail);
    begun_ = std::chrono::steady_clock::now();
    running_ = serving_.dispatcher_.call(serving_.loop_, *method_, invocation, [this, invocation](Result<> result) {
      answered(*invocation, std::move(result));
    });
  }

  void answered(const Invocation& invocation, Result<> result) {
    // The job that tells us is on the stack.
    serving_.loop_.post([dead = std::move(running_)] {});
    running_.reset();
    record(*method_, serving_.dispatcher_.leads(), !result, begun_);
    std::string out;
    append_header(out, ResponseHeader{result ? "" : result.error().detail, header_.seq, header_.service_method});
    result ? invocation.encode_reply(out) : void(out += kEmptyBody);
    channel_->send(out);
    metrics().requests.add();
    if (channel_->unsent() > 0) return;  // drained() goes on
    next();
  }
  void drained() override {
    if (!running_ && !over_) next();
  }
  void next() {
    if (peer_finished_ && input_.empty()) return end();
    parse();
  }

  /// There is nobody to answer: nothing says which call it was.
  void undecodable(const Error& error) {
    metrics().errors.add();
    serving_.log_.error("RPC error",
                        {{"from", from_}, {"error", "rpc: server cannot decode request: " + error.detail}});
    end();
  }
  /// What follows on the wire cannot be trusted, or is not wanted: this is the last answer.
  void refuse(const std::string& error) {
    metrics().errors.add();
    if (!error.starts_with("rate limit") && !error.starts_with("RPC rate limit")) {
      serving_.log_.error("RPC error", {{"from", from_}, {"error", error}});
    }
    std::string out;
    append_header(out, ResponseHeader{error, header_.seq, header_.service_method});
    out += kEmptyBody;
    channel_->send(out);
    acknowledge();
    end();
  }
  void acknowledge() {
    if (held_ > 0) channel_->consumed(std::exchange(held_, 0));
  }
  void end() {
    if (std::exchange(over_, true)) return;
    input_ = {};
    channel_->finish();
    if (channel_->closed()) return serving_.bury(*this);
    // The peer must be able to read the last answer before the channel goes.
    arm(serving_.loop_, base::net::Clock::now() + kLinger);
  }

  Serving& serving_;
  const ChannelPtr channel_;
  const std::string from_;
  const Methods methods_;
  std::string input_{};
  base::MsgpackPlace seen_{};  // of the body in it
  std::size_t held_ = 0;       // received, not acknowledged: a peer that does not wait for answers is held up
  RequestHeader header_{};
  const Method* method_ = nullptr;
  std::chrono::steady_clock::time_point begun_{};
  std::unique_ptr<Running> running_{};
  bool counted_ = false;  // the limits know of the call that is not whole yet
  bool peer_finished_ = false;
  bool over_ = false;
};

Serving::Serving(base::net::Loop& loop, Dispatcher& dispatcher, Options options)
    : loop_(loop), dispatcher_(dispatcher), options_(std::move(options)) {}

Serving::~Serving() = default;

void Serving::serve(ChannelPtr channel, std::string from, Methods methods) {
  auto connection = std::make_unique<Connection>(*this, std::move(channel), std::move(from), methods);
  Connection* key = connection.get();
  connections_.emplace(key, std::move(connection));
}

/// It is on the stack: it dies when its handler has returned.
void Serving::bury(Connection& connection) {
  const auto found = connections_.find(&connection);
  if (found == connections_.end()) return;
  connection.quiet();
  loop_.post([dead = std::move(found->second)] {});
  connections_.erase(found);
}

}  // namespace proconsul::agent::rpc
