// The HTTP server's part on one loop: its connections, and the way of a request from its row to its handler.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/http/asked_reads.h"
#include "agent/http/connection.h"
#include "agent/http/context.h"
#include "agent/http/encode.h"
#include "agent/http/metrics.h"
#include "agent/http/read_groups.h"
#include "agent/http/router.h"
#include "base/metrics.h"
#include "base/net/client_limit.h"
#include "base/net/loop.h"

namespace proconsul::ui_proxy {
class Site;
}

namespace proconsul::agent::http {

class Carrier;
class H2Session;
class RememberedReads;

class Worker {
 public:
  Worker(base::net::Loop& loop, Context& context, const Router& router, base::net::ClientLimit& clients,
         RememberedReads& reads, AnswerCache& cache, const ui_proxy::Site* site);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // From any thread.
  void adopt(base::net::Fd socket, std::shared_ptr<base::net::TlsContext> tls, std::string remote);
  void reply_later(std::uint64_t connection, Reply reply);
  void wake_connection(std::uint64_t connection);
  /// Finds out who asks, of a row that is kOwn; `done` comes on the loop, unless the worker has ended. Client agents
  /// with ACLs alone.
  void ask_who(const Route& route, const Request& request,
               std::move_only_function<void(base::Result<tokens::Who>)> done);

  // Where a server has to ask for tokens (tokens::Resolver::fetches).
  /// The error that a request waits with, if its token has to be asked for.
  std::optional<base::Error> pending(const Route& route, const Request& request) const;
  /// Asks for it; `done` comes on the loop, unless the worker has ended.
  void fetch(const base::Error& pending, std::move_only_function<void()> done);
  /// Asks for it, and has the connection's request go on with `then` (which has to answer); false: it is no such error,
  /// or has been asked for often enough.
  using Then = std::move_only_function<void(Connection& connection, Request& request)>;
  bool fetches(Connection& connection, const Request& request, const base::Error& error, Then then);

  /// Whether a refusal is put off until this client agent knows the token that was refused; then it is answered.
  bool learns(Connection& connection, Reply& reply);

  // On the loop, for its connections.
  base::net::Loop& loop() { return loop_; }
  Context& context() { return context_; }
  const Settings& settings() const { return context_.settings; }
  Encoder& encoder() { return encoder_; }
  RememberedReads& remembered_reads() { return remembered_reads_; }
  /// The request that is being handled: one at a time, so its memory is used again and again.
  Request& request() { return request_; }
  std::string& head_buffer() { return head_; }
  std::size_t most_head_bytes() const { return most_head_bytes_; }
  /// For Responders, which may outlive it.
  const base::Ref<Door>& door() const { return door_; }
  Connection* find(std::uint64_t id);
  void bury(Connection& connection);
  /// Goes on as a session of HTTP/2, in the connection's place.
  void speak_h2(const Connection& connection, base::net::Fd socket, std::unique_ptr<base::net::TlsStream> tls);
  /// One request of a session.
  Connection& open(Carrier& carrier, std::string remote);
  void bury(H2Session& session);

  /// Everything that is decided before the body is read: an answer, or the route in the connection's exchange and the
  /// body's limit.
  std::optional<Reply> admit(Connection& connection, Request& request, std::uint64_t& limit);
  Reply too_large(const Exchange& exchange, std::int64_t declared, std::uint64_t limit) const;
  void run(Connection& connection, Request& request);
  std::unique_ptr<BodySink> upload(Connection& connection, Request& request);
  void leave(Connection& connection) {
    reads_.leave(connection);
    asked_.leave(connection);
  }
  void expire(Connection& connection) {
    reads_.expire(connection);
    asked_.expire(connection);
  }
  /// An answer was made: logs and counts it.
  void finished(const Connection& connection, int status);
  void handshake_failed(const std::string& reason, int fd);
  std::size_t connections() const { return live_ + sessions_.size(); }

  /// Closes every connection; on the loop. Nothing arrives any more.
  void shut();

 private:
  struct Slot {
    std::unique_ptr<Connection> connection{};
    std::uint32_t generation = 0;
    std::string remote{};  // as Request::remote()
  };
  std::uint64_t take_slot(std::string remote);
  Slot& slot(std::uint64_t connection) { return slots_[static_cast<std::uint32_t>(connection)]; }
  std::optional<Reply> unknown_path(const Request& request) const;
  std::optional<Reply> redirect(const Request& request, const Endpoint*& endpoint) const;
  void look_up(Exchange& exchange, const Request& request);
  bool leads() const { return context_.server && context_.server->leadership().is_leader; }
  bool goes_elsewhere(const Route& route, const Request& request) const;
  base::Result<> permitted(const Route& route, const Request& request) const;
  bool look_up_who(Connection& connection, Request& request);
  void go_on(std::uint64_t connection, std::shared_ptr<Request> request);
  bool may_write(const Connection& connection, const Request& request) const;

  base::net::Loop& loop_;
  Context& context_;
  const Router& router_;
  const ui_proxy::Site* const site_;  // null: no web UI
  base::net::ClientLimit& clients_;
  RememberedReads& remembered_reads_;
  Encoder encoder_;
  ReadGroups reads_;
  AskedReads asked_;
  Request request_{};
  std::string head_{};
  std::size_t most_head_bytes_ = 0;
  std::vector<Slot> slots_{};
  std::vector<std::uint32_t> free_{};
  std::vector<std::unique_ptr<Connection>> dead_{};
  std::unordered_map<H2Session*, std::unique_ptr<H2Session>> sessions_;
  std::size_t live_ = 0;
  struct EndpointCounts {
    std::optional<base::metrics::Sample> times{};
    std::optional<EndpointMetrics> api{};
  };
  std::vector<EndpointCounts> counts_{};  // by endpoint and method, made when first needed
  base::Ref<Door> door_ = base::Ref<Door>::adopt(new Door);
};

}  // namespace proconsul::agent::http
