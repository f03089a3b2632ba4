#include "agent/dns/worker.h"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>

#include "agent/dns/sockets.h"
#include "agent/tokens/resolver.h"
#include "base/clock.h"
#include "base/log.h"

namespace proconsul::agent::dns {
namespace {

const base::log::Logger kLog("agent.dns");
constexpr std::size_t kMaxTypes = 128;  // that are measured apart: clients choose them

base::metrics::Labels node_label(const std::string& node) {
  return {{"node", node}};
}

config::Ip client_ip(const Client& client) {
  if (client.address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(client.address);
    return config::Ip::from_bytes(reinterpret_cast<const std::uint8_t*>(&v4.sin_addr), true);
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(client.address);
  return config::Ip::from_bytes(v6.sin6_addr.s6_addr, false);
}

}  // namespace

Worker::Worker(base::net::Loop& loop, Shared& shared, std::shared_ptr<const Settings> settings)
    : loop_(loop),
      shared_(shared),
      settings_(std::move(settings)),
      resolver_(shared.images, shared.addresses),
      random_(base::system_random().next()),
      out_(kBufferSize),
      domain_time_(base::metrics::sample("dns.domain_query", node_label(settings_->node_name),
                                         "Time to answer a question about the agent's domain.")),
      reverse_time_(base::metrics::sample("dns.ptr_query", node_label(settings_->node_name),
                                          "Time to answer a reverse look-up.")),
      stale_queries_(base::metrics::counter("dns.stale_queries", {},
                                            "Questions answered from a state that is more than five seconds old.")) {
  if (shared.caller != nullptr) lookups_.emplace(loop, *shared.caller, shared.server != nullptr);
}

Worker::~Worker() {
  shut();
}

void Worker::add_udp(base::net::Fd socket, bool any_address) {
  sockets_.push_back(std::make_unique<UdpSocket>(*this, std::move(socket), any_address));
}

void Worker::add_tcp(base::net::Fd listener) {
  acceptors_.push_back(std::make_unique<base::net::Acceptor>(
      loop_, std::move(listener), [this](base::net::Fd socket) { accept(std::move(socket)); }));
}

void Worker::reload(std::shared_ptr<const Settings> settings) {
  settings_ = std::move(settings);
  if (lookups_) lookups_->forget();
}

void Worker::shut() {
  if (lookups_) lookups_->stop();
  acceptors_.clear();
  jobs_.clear();
  calls_.clear();
  connections_.clear();
  by_use_.clear();
  sockets_.clear();
}

// ---- connections ----

void Worker::accept(base::net::Fd socket) {
  // Whoever holds connections without using them must not keep others out.
  if (connections_.size() >= kMaxConnections) close(by_use_.front());
  const std::uint64_t id = next_id_++;
  Held held{.connection = std::make_unique<TcpConnection>(*this, id, std::move(socket)),
            .place = by_use_.insert(by_use_.end(), id)};
  connections_.emplace(id, std::move(held));
}

void Worker::active(std::uint64_t connection) {
  by_use_.splice(by_use_.end(), by_use_, connections_.at(connection).place);
}

void Worker::close(std::uint64_t connection) {
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  std::erase_if(jobs_, [&](const auto& job) {
    const Client& client = job.second->client;
    return client.call == 0 && client.transport == Transport::tcp && client.connection == connection;
  });
  by_use_.erase(found->second.place);
  connections_.erase(found);
}

bool Worker::waits_for(std::uint64_t connection) const {
  return std::any_of(jobs_.begin(), jobs_.end(), [&](const auto& job) {
    const Client& client = job.second->client;
    return client.call == 0 && client.transport == Transport::tcp && client.connection == connection;
  });
}

void Worker::ask(std::string_view message, Client client, std::move_only_function<void(std::string_view)> done) {
  client.call = next_id_++;
  begin_batch(client.token.get());
  const std::size_t before = jobs_.size();
  const std::size_t size = answer(message, client, out_);
  end_batch();
  if (size > 0) return done({out_.data(), size});
  if (jobs_.size() > before) calls_.emplace(client.call, std::move(done));
}

void Worker::send(const Client& client, std::string_view answer) {
  if (client.call != 0) {
    if (auto call = calls_.extract(client.call)) call.mapped()(answer);
    return;
  }
  if (client.transport == Transport::udp) return client.socket->send(client, answer);
  if (const auto found = connections_.find(client.connection); found != connections_.end()) {
    found->second.connection->send(answer);
  }
}

// ---- questions ----

void Worker::begin_batch(const std::string* token) {
  view_ = shared_.server != nullptr ? shared_.server->view() : shared_.nothing;
  if (shared_.server != nullptr) leadership_ = shared_.server->leadership();
  now_ = base::unix_seconds(base::system_clock().wall());
  clock_ = base::net::Clock::now();
  if (shared_.eyes.own != nullptr) look(token);
}

// With whose eyes this batch is answered.
void Worker::look(const std::string* given) {
  std::string token = given != nullptr ? *given : shared_.eyes.own->dns();
  const bool same_token = token == token_;
  token_ = std::move(token);
  if (shared_.eyes.resolver == nullptr || shared_.server == nullptr) {
    who_.reset();
    refused_ = false;
    return;
  }
  base::Result<tokens::Who> who = shared_.eyes.resolver->resolve(view_->tables(), token_);
  if (!who && tokens::Resolver::is_pending(who.error())) {
    // Nobody waits for it: until it is known, the eyes of before have to do, or nothing is seen.
    if (!fetching_->exchange(true)) {
      shared_.eyes.resolver->fetch(who.error(), [fetching = fetching_] { *fetching = false; });
    }
    if (has_looked_ && same_token) return;
    who_.reset();
    refused_ = true;
    return;
  }
  has_looked_ = true;
  who_.reset();
  refused_ = !who;
  if (who && !(*who)->allows_everything()) who_ = std::move(*who);
}

void Worker::end_batch() {
  view_ = nullptr;  // an old version is not kept for a question that may never come
}

State Worker::state(const catalog::View& view) const {
  const base::Duration age = leadership_.may_show_stale() ? leadership_.last_contact : base::Duration{-1};
  return {.tables = view.tables(),
          .is_leader = leadership_.current,  // who may not be the leader any more asks
          .last_contact = age,
          .now = now_,
          .has_data = shared_.server != nullptr,
          .asks_others = shared_.caller != nullptr,
          .who = who_ ? &*who_ : nullptr,
          .refused = refused_,
          .token = token_};
}

Outcome Worker::resolve(const Query& query, const Client& client, const Settings& settings, std::uint64_t seed,
                        const Externals& externals) {
  const Ask ask{.query = query, .transport = client.transport, .seed = seed, .client = client_ip(client)};
  const Outcome outcome = resolver_.resolve(state(*view_), settings, ask, externals, reply_, wants_);
  if (resolver_.was_stale() && outcome == Outcome::answered) stale_queries_.add();
  return outcome;
}

std::size_t Worker::answer(std::string_view message, const Client& client, std::span<char> out) {
  const base::net::Clock::time_point begin = clock_;
  const Parsed parsed = parse_query(message, query_);
  if (parsed == Parsed::ignored) return 0;
  if (parsed != Parsed::ok) return write_refusal(parsed, query_, out);
  const std::uint64_t seed = random_.next();
  static const Externals kNone;
  const Outcome outcome = resolve(query_, client, *settings_, seed, kNone);
  if (outcome != Outcome::answered) {
    return wait_for_others(outcome, query_, message, client, seed, begin, out);
  }
  const bool reverse = resolver_.was_reverse();
  const std::size_t size = writer_.write(*settings_, client.transport, query_, reply_, !reverse, out);
  clock_ = base::net::Clock::now();
  measure(query_, client, begin, reverse);
  return size;
}

std::size_t Worker::wait_for_others(Outcome outcome, const Query& query, std::string_view message, const Client& client,
                                    std::uint64_t seed, base::net::Clock::time_point begin, std::span<char> out) {
  if (jobs_.size() >= kMaxJobs) return failure(*settings_, query, client, out);
  auto job = std::make_unique<Job>();
  job->id = next_id_++;
  job->query = query;
  job->message = message;
  job->client = client;
  job->settings = settings_;
  job->seed = seed;
  job->begin = begin;
  Job& kept = *job;
  jobs_.emplace(kept.id, std::move(job));
  if (outcome == Outcome::recurse) {
    recurse(kept);
  } else {
    ask_others(kept);
  }
  return 0;
}

// Passes the question on as it is, and the answer back.
void Worker::recurse(Job& job) {
  auto recursion = std::make_unique<Recursion>(
      loop_, job.settings, job.client.transport, job.message, random_, [this, id = job.id](std::string answer) {
        const auto found = jobs_.find(id);
        if (found == jobs_.end()) return;
        Job& waiting = *found->second;
        if (!answer.empty()) return end(waiting, answer);
        kLog.error("all resolvers failed for question from client", {{"client", client_text(waiting.client)}});
        const std::size_t size = failure(*waiting.settings, waiting.query, waiting.client, out_);
        const std::string copy(out_.data(), size);
        end(waiting, copy);
      });
  Recursion& started = *recursion;
  job.recursions.push_back(std::move(recursion));
  started.start();
}

// Asks for everything that the resolver said it wants.
void Worker::ask_others(Job& job) {
  Wants wants = std::move(wants_);
  wants_ = {};
  job.outstanding = wants.hosts.size() + wants.remote.size();
  const std::uint64_t id = job.id;
  for (const RemoteKey& key : wants.remote) {
    const auto take = [this, id, key](RemoteAnswerPtr answer) {
      const auto found = jobs_.find(id);
      if (found == jobs_.end()) return;
      found->second->externals.remote.insert_or_assign(key, std::move(answer));
      arrived(id);
    };
    if (RemoteAnswerPtr kept = lookups_->kept(key, *job.settings)) {
      loop_.post([take, kept = std::move(kept)]() mutable { take(std::move(kept)); });
    } else {
      lookups_->ask(key, job.settings, take);
    }
  }
  for (const auto& [host, spelled] : wants.hosts) {
    auto recursion = std::make_unique<Recursion>(
        loop_, job.settings, Transport::udp, host_question(spelled, kTypeA), random_,
        [this, id, host](std::string answer) {
          const auto found = jobs_.find(id);
          if (found == jobs_.end()) return;
          std::vector<ForeignRecord>& records = found->second->externals.hosts[host];
          if (answer.empty()) {
            kLog.error("all resolvers failed for name", {{"name", to_text(host)}});
          } else {
            (void)read_answers(answer, [&](ForeignRecord record) { records.push_back(std::move(record)); });
          }
          arrived(id);
        });
    Recursion& started = *recursion;
    job.recursions.push_back(std::move(recursion));
    started.start();
  }
}

// One more answer of others is there; after the last the question is resolved again.
void Worker::arrived(std::uint64_t id) {
  if (--jobs_.at(id)->outstanding == 0) resume(id);
}

void Worker::resume(std::uint64_t id) {
  Job& job = *jobs_.at(id);
  begin_batch(job.client.token.get());
  const Outcome outcome = resolve(job.query, job.client, *job.settings, job.seed, job.externals);
  if (outcome != Outcome::answered) {
    end_batch();
    return outcome == Outcome::recurse ? recurse(job) : ask_others(job);
  }
  const bool reverse = resolver_.was_reverse();
  const std::size_t size = writer_.write(*job.settings, job.client.transport, job.query, reply_, !reverse, out_);
  end_batch();
  const std::string copy(out_.data(), size);
  end(job, copy);
}

void Worker::end(Job& job, std::string_view answer) {
  clock_ = base::net::Clock::now();
  measure(job.query, job.client, job.begin, false);
  const Client client = job.client;
  // The job may be what calls: its recursions end on the next round of the loop.
  auto node = jobs_.extract(job.id);
  loop_.post([done = std::make_shared<std::unique_ptr<Job>>(std::move(node.mapped()))] {});
  send(client, answer);
}

// Nobody could answer.
std::size_t Worker::failure(const Settings& settings, const Query& query, const Client& client, std::span<char> out) {
  reply_.clear();
  reply_.authoritative = false;
  reply_.rcode = kServerFailure;
  add_edns(query, true, reply_);
  return writer_.write(settings, client.transport, query, reply_, true, out);
}

// ---- what is told ----

std::string Worker::client_text(const Client& client) {
  const config::Ip ip = client_ip(client);
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(client.address);  // the port is at the same place in both
  return config::Address::tcp(ip, ntohs(v4.sin_port)).to_string();
}

void Worker::measure(const Query& query, const Client& client, base::net::Clock::time_point begin, bool reverse) {
  const auto time = std::chrono::duration<double, std::milli>(clock_ - begin).count();
  const std::uint16_t type = reverse ? std::uint16_t{kTypePtr} : query.type;
  (reverse ? reverse_time_ : domain_time_).add(time);
  auto found = by_type_.find(type);
  if (found == by_type_.end() && by_type_.size() < kMaxTypes) {
    base::metrics::Labels labels = node_label(settings_->node_name);
    labels.emplace_back("type", type_text(type));
    found = by_type_.emplace(type, base::metrics::sample("dns.query", std::move(labels), "Time to answer a question."))
                .first;
  }
  if (found != by_type_.end()) found->second.add(time);
  if (!base::log::Logger::enabled(base::log::Level::debug)) return;
  kLog.debug("request served from client",
             {{"name", to_text(query.name.wire())},
              {"type", type_text(query.type)},
              {"class", query.klass},
              {"latency", base::to_string(base::Duration{static_cast<std::int64_t>(time * 1e6)})},
              {"client", client_text(client)},
              {"client_network", client.transport == Transport::udp ? "udp" : "tcp"}});
}

}  // namespace proconsul::agent::dns
