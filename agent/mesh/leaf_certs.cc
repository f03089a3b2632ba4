#include "agent/mesh/leaf_certs.h"

#include <algorithm>
#include <chrono>
#include <unordered_map>
#include <utility>

#include "agent/mesh/authority.h"
#include "agent/mesh/roots.h"
#include "agent/mesh/spiffe.h"
#include "agent/x509/certificate.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/random.h"

namespace proconsul::agent::mesh {

using base::Errc;
using base::Error;
using base::Result;
using base::net::Clock;
using CertPtr = std::shared_ptr<const rpc::IssuedCert>;

namespace {

constexpr auto kDefaultWait = std::chrono::minutes(10);
constexpr auto kKept = std::chrono::hours(72);  // after somebody asked last
constexpr auto kSweep = std::chrono::hours(1);
constexpr base::Duration kRootChangeSpread = base::seconds(30);
constexpr base::Duration kShortLife = base::seconds(600);
// Of a certificate's life: when it may be exchanged, and when at last.
constexpr double kSoftEnd = 0.6;
constexpr double kHardEnd = 0.9;

const Error kOver{Errc::unavailable, "the agent is stopping"};

base::metrics::Gauge entries_gauge() {
  static const base::metrics::Gauge kGauge = base::metrics::gauge("leaf-certs.entries_count", {}, "");
  return kGauge;
}
base::metrics::Counter evicted_counter() {
  static const base::metrics::Counter kCounter = base::metrics::counter("leaf-certs.evict_expired");
  return kCounter;
}

std::string key_of(const LeafCerts::Wanted& wanted) {
  std::string key;
  const auto part = [&](std::string_view text) { key += std::to_string(text.size()) + ':' + std::string(text); };
  for (const std::string* text : {&wanted.datacenter, &wanted.token, &wanted.service, &wanted.agent}) part(*text);
  if (wanted.server) key += 's';
  for (const auto* list : {&wanted.dns_names, &wanted.ip_addresses}) {
    key += '|';
    for (const std::string& text : *list) part(text);
  }
  return key;
}

std::chrono::nanoseconds up_to(base::Duration most) {
  if (most.nanoseconds <= 0) return {};
  return std::chrono::nanoseconds(base::system_random().below(static_cast<std::uint64_t>(most.nanoseconds)));
}

/// When a certificate is to be exchanged: at random within a part of its life, so that not all are at once.
Clock::time_point end_of(const rpc::IssuedCert& certificate) {
  const auto now = Clock::now();
  const base::Duration life = certificate.ValidBefore - certificate.ValidAfter;
  if (life < kShortLife) return now;
  const base::Duration lived = base::system_clock().wall() - certificate.ValidAfter;
  const double at = kSoftEnd + (kHardEnd - kSoftEnd) * base::system_random().unit();
  return now + std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(life.nanoseconds) * at) -
                                        lived.nanoseconds);
}

}  // namespace

/// All of it on one loop.
class LeafCerts::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(rpc::Caller& caller, base::net::Loop& loop, Options options)
      : caller_(caller),
        loop_(loop),
        options_(std::move(options)),
        roots_(std::make_shared<Roots>(caller, loop, options_.datacenter)) {
    roots_->on_change([this] { roots_changed(); });
  }

  void get(Wanted wanted, const Query& query, Done done);
  void begin_with(Wanted wanted, rpc::IssuedCert certificate, rpc::IndexedCARoots roots);
  void follow_roots(std::function<void(std::shared_ptr<const rpc::IndexedCARoots>)> changed) {
    follower_ = std::move(changed);
    if (roots_->known())
      follower_(roots_->known());
    else
      roots_->get([](const Result<Roots::Known>&) {});
  }
  void stop();

 private:
  struct Entry;
  /// Who waits, for so long.
  struct Waiter final : base::net::Timer {
    Waiter(Core& owner, Entry& of) : core(owner), entry(of) {}
    void on_timer() override { core.give_up(*this); }
    Core& core;
    Entry& entry;
    std::uint64_t after = 0;
    Done done{};
  };
  struct Entry final : base::net::Timer {
    Entry(Core& owner, std::string of) : core(owner), key(std::move(of)) {}
    void on_timer() override { core.due(*this); }
    Core& core;
    const std::string key;
    Wanted wanted{};
    CertPtr certificate{};
    std::string signer{};          // the key that signed it
    Clock::time_point fetched{};   // when it came
    Clock::time_point used{};      // when somebody asked last
    Clock::time_point end{};       // when it is to be exchanged
    Clock::time_point rotation{};  // when it was seen that there is another root; none: not
    unsigned refused = 0;          // times in a row that the servers had too much to do
    bool fetching = false;
    std::vector<std::unique_ptr<Waiter>> waiters{};
  };

  Entry& entry_of(Wanted wanted);
  void make_room();
  void sweep();
  bool is_good(const Entry& entry) const {
    return entry.certificate && Clock::now() < entry.end && roots_->known() &&
           active_key(*roots_->known()) == entry.signer;
  }
  void answer(const Entry& entry, Done& done, bool hit) const {
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - entry.fetched);
    done({entry.certificate, hit, static_cast<std::uint64_t>(age.count())});
  }
  void wait(Entry& entry, const Query& query, Done done);
  void give_up(Waiter& waiter);
  void due(Entry& entry);
  void roots_changed();
  void note_rotation(Entry& entry);
  std::chrono::nanoseconds spread() const {
    return options_.root_change_spread.nanoseconds > 0
               ? std::chrono::nanoseconds(options_.root_change_spread.nanoseconds)
               : up_to(kRootChangeSpread);
  }
  void fetch(Entry& entry);
  void ask(const std::string& key, const Roots::Known& roots);
  void keep(Entry& entry, rpc::IssuedCert certificate, std::string signer);
  void fetched(const std::string& key, Result<rpc::IssuedCert> issued, std::string private_key);
  void failed(Entry& entry, const Error& error);

  rpc::Caller& caller_;
  base::net::Loop& loop_;
  const Options options_;
  const std::shared_ptr<Roots> roots_;
  std::function<void(std::shared_ptr<const rpc::IndexedCARoots>)> follower_{};
  std::unordered_map<std::string, std::unique_ptr<Entry>> entries_{};
  bool sweeping_ = false;
  bool stopped_ = false;
};

void LeafCerts::Core::get(Wanted wanted, const Query& query, Done done) {
  if (stopped_) return done({kOver});
  Entry& entry = entry_of(std::move(wanted));
  entry.used = Clock::now();
  if (query.from_servers) {
    wait(entry, query, std::move(done));
    return fetch(entry);
  }
  if (query.after == 0 ? is_good(entry) : entry.certificate && query.after < entry.certificate->ModifyIndex) {
    return answer(entry, done, true);
  }
  wait(entry, query, std::move(done));
  if (!entry.certificate || query.after == 0) return fetch(entry);
  // Good or not, it goes on counting until its time.
  note_rotation(entry);
  entry.arm(loop_, entry.end);
}

void LeafCerts::Core::begin_with(Wanted wanted, rpc::IssuedCert certificate, rpc::IndexedCARoots roots) {
  if (stopped_) return;
  roots_->begin_with(std::move(roots));
  Entry& entry = entry_of(std::move(wanted));
  entry.used = Clock::now();
  const Result<x509::Facts> facts = x509::read_certificate(certificate.CertPEM);
  if (facts) keep(entry, std::move(certificate), facts->authority_key_id);
}

void LeafCerts::Core::stop() {
  stopped_ = true;
  roots_->stop();
  for (auto& [key, entry] : std::exchange(entries_, {})) {
    for (const auto& waiter : entry->waiters) waiter->done({kOver});
  }
}

LeafCerts::Core::Entry& LeafCerts::Core::entry_of(Wanted wanted) {
  std::string key = key_of(wanted);
  if (const auto found = entries_.find(key); found != entries_.end()) return *found->second;
  if (entries_.size() >= options_.most_entries) make_room();
  if (!std::exchange(sweeping_, true)) sweep();
  auto entry = std::make_unique<Entry>(*this, key);
  entry->wanted = std::move(wanted);
  Entry& made = *entries_.emplace(std::move(key), std::move(entry)).first->second;
  entries_gauge().set(static_cast<double>(entries_.size()));
  return made;
}

/// The one that was not asked for the longest goes; one that somebody waits for stays.
void LeafCerts::Core::make_room() {
  auto oldest = entries_.end();
  for (auto it = entries_.begin(); it != entries_.end(); ++it) {
    if (!it->second->waiters.empty() || it->second->fetching) continue;
    if (oldest == entries_.end() || it->second->used < oldest->second->used) oldest = it;
  }
  if (oldest != entries_.end()) entries_.erase(oldest);
}

void LeafCerts::Core::sweep() {
  const auto now = Clock::now();
  const std::size_t gone = std::erase_if(entries_, [&](const auto& each) {
    const Entry& entry = *each.second;
    return entry.waiters.empty() && !entry.fetching && now - entry.used > kKept;
  });
  if (gone > 0) {
    evicted_counter().add(static_cast<double>(gone));
    entries_gauge().set(static_cast<double>(entries_.size()));
  }
  loop_.after(kSweep, [weak = weak_from_this()] {
    if (const auto self = weak.lock(); self && !self->stopped_) self->sweep();
  });
}

void LeafCerts::Core::wait(Entry& entry, const Query& query, Done done) {
  auto waiter = std::make_unique<Waiter>(*this, entry);
  waiter->after = query.after;
  waiter->done = std::move(done);
  const auto wait = query.wait.nanoseconds > 0 ? std::chrono::nanoseconds(query.wait.nanoseconds) : kDefaultWait;
  waiter->arm(loop_, Clock::now() + wait);
  entry.waiters.push_back(std::move(waiter));
}

void LeafCerts::Core::give_up(Waiter& waiter) {
  Entry& entry = waiter.entry;
  const auto found = std::ranges::find_if(entry.waiters, [&](const auto& each) { return each.get() == &waiter; });
  const std::unique_ptr<Waiter> gone = std::move(*found);
  entry.waiters.erase(found);
  if (entry.certificate) return answer(entry, gone->done, false);
  gone->done({Error{Errc::timeout, "timeout while a certificate was asked for"}});
}

void LeafCerts::Core::due(Entry& entry) {
  if (!entry.waiters.empty()) fetch(entry);  // else whoever comes next sees that it is over
}

void LeafCerts::Core::roots_changed() {
  if (follower_) follower_(roots_->known());
  for (auto& [key, entry] : entries_) {
    if (!entry->certificate || entry->waiters.empty()) continue;
    note_rotation(*entry);
    entry->arm(loop_, entry->end);
  }
}

/// Under another root a certificate is exchanged soon, but not all at once.
void LeafCerts::Core::note_rotation(Entry& entry) {
  if (!roots_->known() || active_key(*roots_->known()) == entry.signer) return;
  if (entry.rotation != Clock::time_point()) return;
  entry.rotation = Clock::now();
  entry.end = std::min(entry.end, entry.rotation + std::chrono::duration_cast<Clock::duration>(spread()));
}

void LeafCerts::Core::fetch(Entry& entry) {
  if (std::exchange(entry.fetching, true)) return;
  entry.cancel();
  roots_->get([this, weak = weak_from_this(), key = entry.key](const Result<Roots::Known>& roots) {
    const auto self = weak.lock();
    if (!self || stopped_) return;
    if (roots) return ask(key, *roots);
    if (const auto found = entries_.find(key); found != entries_.end()) failed(*found->second, roots.error());
  });
}

void LeafCerts::Core::ask(const std::string& key, const Roots::Known& roots) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  Entry& entry = *found->second;
  const Wanted& wanted = entry.wanted;
  if (roots->TrustDomain.empty()) return failed(entry, {Errc::internal, "cluster has no CA bootstrapped yet"});
  SpiffeId id{.host = roots->TrustDomain, .datacenter = wanted.datacenter};
  x509::Names names{.dns_names = wanted.dns_names, .ip_addresses = wanted.ip_addresses};
  if (!wanted.service.empty()) {
    id.kind = SpiffeId::Kind::service;
    id.name = wanted.service;
  } else if (!wanted.agent.empty()) {
    id.kind = SpiffeId::Kind::agent;
    id.name = wanted.agent;
  } else if (wanted.server) {
    id.kind = SpiffeId::Kind::server;
  } else {
    return failed(entry, {Errc::internal, "URI must be either service, agent, server, or kind"});
  }
  names.uri = id.uri();
  Result<std::string> private_key = x509::generate_key("ec", 256);
  if (!private_key) return failed(entry, private_key.error());
  Result<std::string> request = x509::make_request(*private_key, names, false);
  if (!request) return failed(entry, request.error());
  rpc::CASignRequest sign{};
  sign.Token = wanted.token;
  sign.Datacenter = wanted.datacenter;
  sign.CSR = std::move(*request);
  rpc::ask<rpc::CASignRequest, rpc::IssuedCert>(
      caller_, loop_, "ConnectCA.Sign", std::move(sign),
      [this, weak = weak_from_this(), key, private_key = std::move(*private_key)](Result<rpc::IssuedCert> issued) {
        if (const auto self = weak.lock(); self && !stopped_) fetched(key, std::move(issued), private_key);
      });
}

void LeafCerts::Core::keep(Entry& entry, rpc::IssuedCert certificate, std::string signer) {
  entry.certificate = std::make_shared<const rpc::IssuedCert>(std::move(certificate));
  entry.signer = std::move(signer);
  entry.fetched = Clock::now();
  entry.end = end_of(*entry.certificate);
  entry.rotation = {};
  entry.refused = 0;
}

void LeafCerts::Core::fetched(const std::string& key, Result<rpc::IssuedCert> issued, std::string private_key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  Entry& entry = *found->second;
  if (!issued) return failed(entry, issued.error());
  const Result<x509::Facts> facts = x509::read_certificate(issued->CertPEM);
  if (!facts) return failed(entry, facts.error());
  issued->PrivateKeyPEM = std::move(private_key);
  keep(entry, std::move(*issued), facts->authority_key_id);
  entry.fetching = false;
  for (const auto& waiter : std::exchange(entry.waiters, {})) answer(entry, waiter->done, false);
}

void LeafCerts::Core::failed(Entry& entry, const Error& error) {
  entry.fetching = false;
  std::vector<std::unique_ptr<Waiter>> told = std::exchange(entry.waiters, {});
  if (entry.certificate && error.detail.ends_with(kRateLimited)) {
    // As long as the servers have too much to do it is tried later and later. What there is goes on counting.
    if (entry.rotation == Clock::time_point()) entry.rotation = Clock::now();
    ++entry.refused;
    entry.end =
        std::max(Clock::now(),
                 entry.rotation + std::chrono::duration_cast<Clock::duration>(entry.refused * spread() + spread()));
    const auto waits = std::ranges::partition(told, [](const auto& waiter) { return waiter->after == 0; });
    for (auto& waiter : waits) entry.waiters.push_back(std::move(waiter));
    told.erase(waits.begin(), waits.end());
    if (!entry.waiters.empty()) entry.arm(loop_, entry.end);
    for (const auto& waiter : told) answer(entry, waiter->done, false);
    return;
  }
  // What never came is forgotten: nobody is to fill the memory with what he does not get.
  const std::unique_ptr<Entry> gone = entry.certificate ? nullptr : std::move(entries_.find(entry.key)->second);
  if (gone) {
    entries_.erase(gone->key);
    entries_gauge().set(static_cast<double>(entries_.size()));
  }
  for (const auto& waiter : told) waiter->done({error});
}

LeafCerts::LeafCerts(rpc::Caller& caller, base::net::Loops& loops, Options options)
    : loop_(loops.next()), core_(std::make_shared<Core>(caller, loop_, std::move(options))) {}

LeafCerts::~LeafCerts() {
  stop();
}

void LeafCerts::stop() {
  if (std::exchange(stopped_, true)) return;
  loop_.run([this] { core_->stop(); });  // timers belong to the loop
}

void LeafCerts::settle() {
  loop_.run([] {});
}

void LeafCerts::get(Wanted wanted, Query query, Done done) {
  loop_.post([core = core_, wanted = std::move(wanted), query, done = std::move(done)]() mutable {
    core->get(std::move(wanted), query, std::move(done));
  });
}

void LeafCerts::begin_with(Wanted wanted, rpc::IssuedCert certificate, rpc::IndexedCARoots roots) {
  loop_.post([core = core_, wanted = std::move(wanted), certificate = std::move(certificate),
              roots = std::move(roots)]() mutable {
    core->begin_with(std::move(wanted), std::move(certificate), std::move(roots));
  });
}

void LeafCerts::follow_roots(std::function<void(std::shared_ptr<const rpc::IndexedCARoots>)> changed) {
  loop_.post([core = core_, changed = std::move(changed)]() mutable { core->follow_roots(std::move(changed)); });
}

}  // namespace proconsul::agent::mesh
