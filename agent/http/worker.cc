#include "agent/http/worker.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>

#include "agent/http/asking.h"
#include "agent/http/denial.h"
#include "agent/http/h2_session.h"
#include "agent/http/logged_url.h"
#include "agent/http/read_meta.h"
#include "agent/http/remembered_reads.h"
#include "agent/http/request_limits.h"
#include "agent/http/request_reader.h"
#include "agent/http/responder.h"
#include "agent/http/ui_pages.h"
#include "agent/tokens/remote_resolver.h"
#include "agent/tokens/store.h"
#include "base/html.h"
#include "base/log.h"
#include "catalog/store/store.h"

namespace proconsul::agent::http {
namespace {

const base::log::Logger kLog("agent.http");

constexpr std::string_view kUnknownV1 = "Invalid URL path: not a recognized HTTP API endpoint\n";
constexpr std::string_view kUnknown =
    "Invalid URL path: if attempting to use the HTTP API, ensure the path starts with '/v1/'\n";
constexpr std::uint64_t kAnySize = ~std::uint64_t{0};

std::string_view method_name(Method method) {
  constexpr std::string_view kNames[] = {"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "other"};
  return kNames[static_cast<std::size_t>(method)];
}

/// An address as 16 bytes, IPv4 mapped; false if it is none.
bool address_bytes(std::string_view text, unsigned char (&out)[16]) {
  const std::string copy(text);
  std::memset(out, 0, sizeof out);
  if (inet_pton(AF_INET, copy.c_str(), out + 12) == 1) {
    out[10] = out[11] = 0xff;
    return true;
  }
  return inet_pton(AF_INET6, copy.c_str(), out) == 1;
}

bool cidr_contains(std::string_view cidr, const unsigned char (&address)[16]) {
  const std::size_t slash = cidr.find('/');
  unsigned char network[16];
  if (slash == std::string_view::npos || !address_bytes(cidr.substr(0, slash), network)) return false;
  unsigned bits = 0;
  std::from_chars(cidr.data() + slash + 1, cidr.data() + cidr.size(), bits);
  if (cidr.find(':') == std::string_view::npos) bits += 96;
  bits = std::min(bits, 128u);
  for (unsigned i = 0; i < bits; ++i) {
    const unsigned char mask = static_cast<unsigned char>(0x80 >> (i % 8));
    if ((network[i / 8] ^ address[i / 8]) & mask) return false;
  }
  return true;
}

Reply redirect_to(const Request& request, int status, std::string_view path) {
  std::string location(path);
  if (!request.query.empty()) location += "?" + std::string(request.query);
  Reply reply{.status = status, .type = {}};
  reply.header("Location", location);
  if (request.method == Method::get || request.method == Method::head) {
    reply.type = content::kHtml;
    reply.body = "<a href=\"" + base::escape_html(location) + "\">" + std::string(status_text(status)) + "</a>.\n\n";
  }
  return reply;
}

base::Result<> read_options(const Route& route, Request& request, const Settings& settings) {
  if (route.handler.hash) return read_wait(request, settings);
  const auto read = route.flags & kGoesOn ? &read_consistency : &read_query_options;
  return read(request, settings, route.flags & kDiscovery);
}

std::string token_of(const Route& route, const Request& request) {
  if (route.flags & kHeaderToken) return header_token(request);
  return route.takes_options() ? request.options.token : token_of(request);
}

}  // namespace

Worker::Worker(base::net::Loop& loop, Context& context, const Router& router, base::net::ClientLimit& clients,
               RememberedReads& reads, AnswerCache& cache, const ui_proxy::Site* site)
    : loop_(loop),
      context_(context),
      router_(router),
      site_(site),
      clients_(clients),
      remembered_reads_(reads),
      encoder_(context.settings),
      reads_(*this),
      asked_(*this, cache) {
  door_->worker = this;
  constexpr std::size_t kGoDefault = 1 << 20;
  constexpr std::size_t kGoSlop = 4096;  // Go reads this much more before it complains
  const std::size_t most = context.settings.max_header_bytes;
  counts_.resize(router.endpoints().size() * 8);
  most_head_bytes_ = (most ? most : kGoDefault) + kGoSlop;
}

Worker::~Worker() {
  const std::lock_guard lock(door_->mutex);
  door_->worker = nullptr;
}

std::uint64_t Worker::take_slot(std::string remote) {
  std::uint32_t place = 0;
  if (free_.empty()) {
    place = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    place = free_.back();
    free_.pop_back();
  }
  slots_[place].remote = std::move(remote);
  ++live_;
  return static_cast<std::uint64_t>(++slots_[place].generation) << 32 | place;
}

void Worker::adopt(base::net::Fd socket, std::shared_ptr<base::net::TlsContext> tls, std::string remote) {
  loop_.post([this, socket = std::move(socket), tls = std::move(tls), remote = std::move(remote)]() mutable {
    const std::uint64_t id = take_slot(std::move(remote));
    slot(id).connection = std::make_unique<Connection>(*this, id, std::move(socket), std::move(tls));
    slot(id).connection->start();
  });
}

Connection& Worker::open(Carrier& carrier, std::string remote) {
  const std::uint64_t id = take_slot(std::move(remote));
  slot(id).connection = std::make_unique<Connection>(*this, id, carrier);
  slot(id).connection->start();
  return *slot(id).connection;
}

void Worker::speak_h2(const Connection& connection, base::net::Fd socket, std::unique_ptr<base::net::TlsStream> tls) {
  auto session = std::make_unique<H2Session>(
      *this, base::net::TcpChannel::adopt(loop_, std::move(socket), std::move(tls)), slot(connection.id()).remote);
  H2Session& started = *session;
  sessions_.emplace(&started, std::move(session));
  started.start();
}

void Worker::bury(H2Session& session) {
  const auto found = sessions_.find(&session);
  if (found == sessions_.end()) return;
  session.quiet();
  clients_.leave(session.remote());
  // It is on the stack.
  loop_.post([dead = std::move(found->second)] {});
  sessions_.erase(found);
}

Connection* Worker::find(std::uint64_t id) {
  const auto place = static_cast<std::uint32_t>(id);
  if (place >= slots_.size() || slots_[place].generation != id >> 32) return nullptr;
  return slots_[place].connection.get();
}

void Worker::bury(Connection& connection) {
  Slot& slot = this->slot(connection.id());
  if (connection.counts()) clients_.leave(slot.remote);
  // It may be closing itself in the middle of its own work: freed when the loop is back in our hands.
  if (dead_.empty()) loop_.post([this] { dead_.clear(); });
  dead_.push_back(std::move(slot.connection));
  free_.push_back(static_cast<std::uint32_t>(connection.id()));
  --live_;
}

void Worker::shut() {
  reads_.stop();
  while (!sessions_.empty()) {
    H2Session& session = *sessions_.begin()->first;
    session.say_goodbye();
    bury(session);
  }
  for (Slot& slot : slots_) {
    if (slot.connection) slot.connection->close();
  }
  dead_.clear();
}

void Worker::reply_later(std::uint64_t id, Reply reply) {
  loop_.post([this, id, reply = std::move(reply)]() mutable {
    if (Connection* connection = find(id)) {
      Exchange& exchange = connection->exchange();
      if (reply.status >= 400) exchange.cache = Exchange::Cache::unused;
      if (const auto complaint = std::move(exchange.complaint)) {
        encoder_.shape(exchange, reply);
        reply = text(400, *complaint + reply.body.flat());
      }
      if (learns(*connection, reply)) return;
      connection->reply(std::move(reply));
      connection->resume();
    }
  });
}

void Worker::wake_connection(std::uint64_t id) {
  loop_.post([this, id] {
    if (Connection* connection = find(id)) connection->wake();
  });
}

std::optional<Reply> Worker::unknown_path(const Request& request) const {
  if (site_ != nullptr) {
    const std::string_view content = settings().ui_content_path;
    if (request.path == "/robots.txt") return ui_page(*site_, request, request.path);
    if (request.path.starts_with(content)) return ui_page(*site_, request, request.path.substr(content.size()));
  }
  if (request.path != "/") {
    const bool meant_api = request.path.find("/v1/") != std::string_view::npos;
    return text(404, std::string(meant_api ? kUnknownV1 : kUnknown));
  }
  if (context_.settings.ui_enabled) {
    Request bare = request;
    bare.query = {};
    return redirect_to(bare, 301, context_.settings.ui_content_path);
  }
  return text(
      200, "Consul Agent: UI disabled. To enable, set ui_config.enabled=true in the agent configuration and restart.");
}

std::optional<Reply> Worker::redirect(const Request& request, const Endpoint*& endpoint) const {
  const std::string_view path = request.escaped_path;
  if (path.find("//") != std::string_view::npos || path.find("/.") != std::string_view::npos) {
    std::string clean = clean_path(path);
    if (router_.lacks_slash(clean)) clean += '/';
    if (clean != path) return redirect_to(request, 307, clean);
  }
  endpoint = router_.find(path);
  if (!endpoint || endpoint->pattern != path) {
    const std::string_view ui = settings().ui_content_path;
    const bool is_ui = settings().ui_enabled && ui.size() == path.size() + 1 && ui.starts_with(path);
    if (is_ui || router_.lacks_slash(path)) return redirect_to(request, 307, std::string(path) + '/');
  }
  return std::nullopt;
}

bool Worker::may_write(const Connection&, const Request& request) const {
  if (request.method == Method::get || request.method == Method::head || request.method == Method::options) return true;
  const std::vector<std::string>& allowed = context_.settings.allow_write_from;
  if (allowed.empty()) return true;
  std::string_view host = request.remote();
  host = host.substr(0, host.rfind(':'));
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  unsigned char address[16];
  if (!address_bytes(host, address)) return false;
  return std::ranges::any_of(allowed, [&](const std::string& cidr) { return cidr_contains(cidr, address); });
}

std::optional<Reply> Worker::admit(Connection& connection, Request& request, std::uint64_t& limit) {
  Exchange& exchange = connection.exchange();
  exchange.endpoint = nullptr;
  exchange.route = nullptr;
  exchange.fetches = 0;
  RequestReader::set_remote(request, slot(connection.id()).remote);
  if (!settings().allow_unprintable_paths && !is_printable(request.path)) return Reply{.status = 400, .type = {}};
  if (request.escaped_path == "*") return Reply{.type = {}};  // asks what the server can do at all
  const Endpoint* endpoint = nullptr;
  if (std::optional<Reply> elsewhere = redirect(request, endpoint)) return elsewhere;
  if (!endpoint) return unknown_path(request);

  exchange.endpoint = endpoint;
  request.wants_gzip = exchange.wants_gzip = accepts_gzip(request.header("Accept-Encoding"));
  if (RequestReader::bad_query(request)) {
    kLog.error("Failed to decode query", {{"from", request.remote()}});
    return Reply{.status = 500, .type = content::kText};
  }
  if (base::log::Logger::enabled(base::log::Level::debug)) {
    exchange.logged.reset(new LoggedRequest{std::string(request.method_text), logged_url(request)});
  }
  if (request.has_param("token")) {
    kLog.warn(
        "This request used the token query parameter which is deprecated and will be removed in a future Consul "
        "version",
        {{"logUrl", logged_url(request)}});
  }
  for (const std::string& prefix : settings().block_endpoints) {
    if (request.path.starts_with(prefix)) return text(403, "Endpoint is blocked by agent configuration");
  }
  const Route* route =
      request.method == Method::other ? nullptr : endpoint->rows[static_cast<std::size_t>(request.method)];
  const bool odd = endpoint->flags & kOddMethods;
  if (request.method == Method::options) {
    Reply reply;
    if (odd) reply = json("{}");
    reply.header("Allow", endpoint->allow);
    return reply;
  }
  if (!route) {
    Reply reply = text(405, "method " + std::string(request.method_text) + " not allowed");
    reply.header("Allow", odd ? std::string_view(endpoint->allow).substr(std::string_view("OPTIONS,").size())
                              : std::string_view(endpoint->allow));
    return reply;
  }
  if (!may_write(connection, request)) return text(403, "Access is restricted");
  if (!route->handler) {
    exchange.endpoint = nullptr;
    return unknown_path(request);
  }
  exchange.route = route;
  // Who knows whether ACLs are on are the servers.
  if (context_.own_tokens && (settings().acls_enabled || !context_.server)) {
    request.default_token = context_.own_tokens->get(tokens::Kind::default_);
  }
  request.rest = endpoint->rest(request.path);
  if (settings().acls_enabled) exchange.token_slot = token_slot(request, (route->flags & kHeaderToken) != 0);
  if (route->flags & kNeedsAcls && !settings().acls_enabled) {
    return failure({base::Errc::unauthorized, "ACL support disabled"});
  }
  if (route->takes_options()) {
    if (base::Result<> read = read_options(*route, request, settings()); !read) {
      if (!(route->flags & (kGoesOn | kUnchecked))) return failure(read.error());
      (route->flags & kGoesOn ? request.complaint : request.unchecked) = std::move(read.error().detail);
    }
    if (route->flags & kAlwaysCached) request.options.cached = true;
    if (!(route->flags & (kAnyDatacenter | kGoesOn)) && !route->handler.ask &&
        request.options.datacenter != settings().datacenter) {
      Reply reply = text(500, "No path to datacenter");
      if (route->flags & kMetaOnError) reply.headers += kNothingKnown;
      return reply;
    }
  }
  if (settings().acls_enabled) exchange.token = token_of(*route, request);
  if (route->flags & (kNoNamespace | kNoPartition)) {
    if (base::Result<> plain = refuse_enterprise(request, route->flags & kNoNamespace); !plain) {
      return failure(plain.error());
    }
  }
  limit = settings().max_body_bytes;
  if (route->flags & kKvLimit) limit = settings().kv_max_value_size;
  if (route->flags & kTxnLimit) limit = std::max(settings().kv_max_value_size, settings().txn_max_req_len);
  if (route->handler.upload) limit = kAnySize;
  return std::nullopt;
}

Reply Worker::too_large(const Exchange& exchange, std::int64_t declared, std::uint64_t limit) const {
  std::string size;
  if (declared >= 0) size = "(" + std::to_string(declared) + " bytes)";
  std::string message = "Request body" + size + " too large, max size: " + std::to_string(limit) + " bytes.";
  if (exchange.route->flags & (kKvLimit | kTxnLimit)) {
    message += " See https://developer.hashicorp.com/docs/agent/config/config-files#";
    message += exchange.route->flags & kKvLimit ? "kv_max_value_size." : "txn_max_req_len.";
  }
  return text(413, std::move(message));
}

/// Client agents have no state; others have that of their datacenter.
bool Worker::goes_elsewhere(const Route& route, const Request& request) const {
  if (!route.handler.ask) return false;
  if (!context_.server || route.handler.asks_alone()) return true;
  if ((route.says.params & param::kGlobal) && request.has_param("global") && context_.caller) return true;
  if (!route.takes_options() || route.flags & (kAnyDatacenter | kGoesOn)) return false;
  return request.options.datacenter != settings().datacenter;
}

void Worker::ask_who(const Route& route, const Request& request,
                     std::move_only_function<void(base::Result<tokens::Who>)> done) {
  context_.remote_tokens->resolve(
      token_of(route, request), [door = door_, done = std::move(done)](base::Result<tokens::Who> who) mutable {
        const std::lock_guard lock(door->mutex);
        if (door->worker == nullptr) return;
        door->worker->loop().post([who = std::move(who), done = std::move(done)]() mutable { done(std::move(who)); });
      });
}

/// True: it has to be asked for, and the request goes on when that is known.
bool Worker::look_up_who(Connection& connection, Request& request) {
  const Route& route = *connection.exchange().route;
  if (!context_.remote_tokens || !(route.flags & kOwn) || request.who) return false;
  if (const auto who = context_.remote_tokens->known(token_of(route, request))) {
    request.who = std::make_shared<const base::Result<tokens::Who>>(*who);
    return false;
  }
  connection.wait();
  std::shared_ptr<Request> owned = request.own();
  const Request& asked = *owned;
  ask_who(route, asked, [this, id = connection.id(), owned = std::move(owned)](base::Result<tokens::Who> who) mutable {
    owned->who = std::make_shared<const base::Result<tokens::Who>>(std::move(who));
    go_on(id, std::move(owned));
  });
  return true;
}

bool Worker::learns(Connection& connection, Reply& reply) {
  Exchange& exchange = connection.exchange();
  if (!is_denial_of_unknown(context_, exchange, reply)) return false;
  exchange.learned = true;
  connection.wait();
  context_.remote_tokens->resolve(exchange.token, [door = door_, id = connection.id(),
                                                   reply = std::move(reply)](const base::Result<tokens::Who>&) mutable {
    const std::lock_guard lock(door->mutex);
    if (door->worker != nullptr) door->worker->reply_later(id, std::move(reply));
  });
  return true;
}

std::optional<base::Error> Worker::pending(const Route& route, const Request& request) const {
  if (!context_.tokens || !context_.tokens->fetches()) return std::nullopt;
  return context_.tokens->pending(context_.server->view()->tables(), token_of(route, request));
}

void Worker::fetch(const base::Error& pending, std::move_only_function<void()> done) {
  context_.tokens->fetch(pending, [door = door_, done = std::move(done)]() mutable {
    const std::lock_guard lock(door->mutex);
    if (door->worker != nullptr) door->worker->loop().post(std::move(done));
  });
}

bool Worker::fetches(Connection& connection, const Request& request, const base::Error& error, Then then) {
  constexpr std::uint8_t kMostFetches = 4;
  if (!context_.tokens || !tokens::Resolver::is_pending(error)) return false;
  if (++connection.exchange().fetches > kMostFetches) return false;
  connection.wait();
  fetch(error, [this, id = connection.id(), owned = request.own(), then = std::move(then)]() mutable {
    Connection* const waiting = find(id);
    if (!waiting) return;
    then(*waiting, *owned);
    waiting->resume();
  });
  return true;
}

void Worker::go_on(std::uint64_t id, std::shared_ptr<Request> request) {
  Connection* const connection = find(id);
  if (!connection) return;
  run(*connection, *request);
  connection->resume();
}

/// What the row needs of the token, where this agent answers.
base::Result<> Worker::permitted(const Route& route, const Request& request) const {
  if (route.says.needs.access == acl::Access::none) return {};
  if (!context_.server && !(route.flags & kOwn)) return {};  // whom it asks decides
  const base::Result<tokens::Who> who = asking(context_, request, token_of(route, request));
  if (!who) return who.error();
  return tokens::require(*who, route.says.needs, settings().node_name);
}

void Worker::run(Connection& connection, Request& request) {
  Exchange& exchange = connection.exchange();
  const Route& route = *exchange.route;
  const Handler& handler = route.handler;
  if (goes_elsewhere(route, request)) return asked_.start(connection, request);
  if (look_up_who(connection, request)) return;
  const auto once_more = [this](Connection& waiting, Request& owned) { run(waiting, owned); };
  if (base::Result<> allowed = permitted(route, request); !allowed) {
    if (fetches(connection, request, allowed.error(), once_more)) return;
    return connection.reply(failed_read(allowed.error(), route));
  }
  if (handler.read && !context_.server) {
    return connection.reply(text(500, "this is answered by servers only: the agent is a client"));
  }
  if (handler.read || handler.hash) return reads_.start(connection, request);
  if (const auto error = handler.async ? pending(route, request) : std::nullopt) {
    // The request is not there any more when the handler looks who it is.
    if (fetches(connection, request, *error, once_more)) return;
  }
  if (request.options.cached && (route.flags & kCacheable)) look_up(exchange, request);
  const bool is_hit = exchange.cache == Exchange::Cache::hit;
  if (!request.complaint.empty()) exchange.cache = Exchange::Cache::unused;  // its refusal says nothing of a cache
  if (context_.limits && context_.server && !is_hit && !(route.flags & kLimitsItself)) {
    if (std::optional<Reply> refusal =
            context_.limits->refuse(route.says.rpc, route.writes(), leads(), request.remote())) {
      exchange.cache = Exchange::Cache::unused;
      return connection.reply(std::move(*refusal));
    }
  }
  if (handler.call) {
    base::Result<Reply> reply = handler.call(context_, request);
    if (!reply) {
      exchange.cache = Exchange::Cache::unused;
      if (fetches(connection, request, reply.error(), once_more)) return;
      return connection.reply(failure(reply.error()));
    }
    if (!request.complaint.empty()) {
      encoder_.shape(exchange, *reply);
      reply = text(400, request.complaint + reply->body.flat());
    }
    return connection.reply(std::move(*reply));
  }
  if (!request.complaint.empty()) exchange.complaint.reset(new std::string(std::move(request.complaint)));
  connection.wait();
  handler.async(context_, request, make_responder(*this, connection.id()));
}

/// Answers that Consul fetches anew only when they are too old for whoever asks.
void Worker::look_up(Exchange& exchange, const Request& request) {
  std::string key(exchange.route->pattern);  // all get the same: no such row has parameters
  const RememberedReads::Rules rules{.max_age = request.options.max_age, .revalidate = request.options.must_revalidate};
  if (const auto age = remembered_reads_.find(key, rules)) {
    exchange.cache = Exchange::Cache::hit;
    exchange.age = static_cast<std::uint64_t>(std::chrono::round<std::chrono::seconds>(*age).count());
    return;
  }
  exchange.cache = Exchange::Cache::miss;
  remembered_reads_.remember(std::move(key));
}

void Worker::finished(const Connection& connection, int status) {
  const Exchange& exchange = connection.exchange();
  if (!exchange.endpoint) return;
  EndpointCounts& counts = counts_[exchange.endpoint->number * 8 + static_cast<std::size_t>(exchange.method)];
  if (!counts.times) {
    counts.times = base::metrics::sample(
        "api.http", {{"method", std::string(method_name(exchange.method))}, {"path", exchange.endpoint->label}},
        "Time that requests of the path and method take, in milliseconds; waiting for a change included.");
  }
  counts.times->add_since(exchange.begun);
  if (exchange.route && !exchange.endpoint->pattern.starts_with("/v1/agent/")) {
    if (context_.server != nullptr) request_metrics().rpc.add();  // a client agent counts what it asks servers
    if (const std::string_view metric = exchange.route->says.metric; !metric.empty()) {
      if (!counts.api) counts.api.emplace(metric, settings().node_name);
      counts.api->count(status);
    }
  }
  if (!exchange.logged) return;
  const auto took = std::chrono::duration_cast<std::chrono::nanoseconds>(base::net::Clock::now() - exchange.begun);
  kLog.debug("Request finished", {{"method", exchange.logged->method},
                                  {"url", exchange.logged->url},
                                  {"from", slots_[static_cast<std::uint32_t>(connection.id())].remote},
                                  {"latency", base::to_string(base::Duration{took.count()})}});
}

std::unique_ptr<BodySink> Worker::upload(Connection& connection, Request& request) {
  const Route& route = *connection.exchange().route;
  Responder responder = make_responder(*this, connection.id());
  const base::Result<> allowed = permitted(route, request);
  // Where the token has to be asked for first, the server that takes the upload does that.
  if (!allowed && !tokens::Resolver::is_pending(allowed.error())) {
    responder.send(base::Result<Reply>(allowed.error()));
    return nullptr;
  }
  return route.handler.upload(context_, request, std::move(responder));
}

void Worker::handshake_failed(const std::string& reason, int fd) {
  kLog.debug("TLS handshake failed", {{"from", base::net::peer_name(fd)}, {"error", reason}});
}

}  // namespace proconsul::agent::http
