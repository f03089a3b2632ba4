#include "agent/cluster/examiner.h"

#include <openssl/evp.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <mutex>
#include <set>
#include <stop_token>
#include <thread>
#include <utility>

#include "agent/cluster/join_address.h"
#include "agent/cluster/wan_gateways.h"
#include "agent/doctor/diagnosis.h"
#include "agent/rpc/acl_types.h"
#include "agent/rpc/direct_call.h"
#include "agent/rpc/types.h"
#include "agent/server/federation_view.h"
#include "agent/server/server_info.h"
#include "agent/version.h"
#include "agent/x509/server_certificate.h"
#include "base/clock.h"
#include "base/files.h"
#include "gossip/ip_text.h"
#include "gossip/serf/keyring_file.h"
#include "wanfed/ways.h"

namespace proconsul::agent::cluster {

using base::Errc;
using base::Error;
using base::Result;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds kPatience{3};  // with one server
constexpr std::chrono::seconds kAll{9};       // with all of them
constexpr std::chrono::milliseconds kSettle{700};
constexpr int kMostRounds = 4;
constexpr std::size_t kMostProbes = 96, kMostAtOnce = 16;
constexpr int kMostLooks = 32, kMostExaminations = 4;
constexpr std::size_t kMostCertificate = std::size_t{1} << 20;  // bytes of a file

/// Enough to see that two are not the same, and nothing to learn a key from.
std::string fingerprint(std::string_view key) {
  const std::string text = "proconsul federation gossip key " + std::string(key);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr);
  std::string shown;
  for (int i = 0; i < 4; ++i) {
    shown += "0123456789abcdef"[digest[i] >> 4];
    shown += "0123456789abcdef"[digest[i] & 15];
  }
  return shown;
}

const char* text_of(wanfed::WayState::Tier tier) {
  switch (tier) {
    case wanfed::WayState::Tier::local:
      return "local";
    case wanfed::WayState::Tier::direct:
      return "direct";
    case wanfed::WayState::Tier::remembered:
      return "remembered";
  }
  return "";
}

doctor::Certificate certificate_in(const std::string& file) {
  const Result<std::string> pem = base::read_file(file, kMostCertificate);
  if (!pem) return {.Error = pem.error().detail};
  const Result<x509::ServerCertificate> read = x509::read_server_certificate(*pem);
  if (!read) return {.Error = read.error().detail};
  return {.Names = base::List<std::string>(read->names), .NotBefore = read->not_before, .NotAfter = read->not_after};
}

base::Time wall_of(base::MonotonicTime time) {
  const base::Clock& clock = base::system_clock();
  base::Time wall = clock.wall();
  wall.seconds -= (clock.now() - time).nanoseconds / 1'000'000'000;
  return wall;
}

template <class Req, class Rep>
rpc::DirectStep step(std::string_view method, Req request, std::shared_ptr<rpc::TypedInvocation<Req, Rep>>& call) {
  const rpc::Method* row = rpc::find_method(method);
  call = std::static_pointer_cast<rpc::TypedInvocation<Req, Rep>>(row->make());
  call->request = std::move(request);
  return {.method = row, .invocation = call};
}

bool has_no_such_method(std::string_view error) {
  return error.find("can't find") != error.npos;
}

}  // namespace

// ---- what this server sees by itself

void Examiner::look_at_gossip(doctor::View& view) const {
  view.Wan = means_.pools.has_wan();
  const std::string file = means_.config.data_dir + "/serf/remote.keyring";
  Result<gossip::Keyring> keys = means_.config.dev_mode || means_.config.disable_keyring_file
                                     ? Result<gossip::Keyring>(Error{Errc::not_found, "none"})
                                     : gossip::serf::open_keyring(file, "");
  if (!keys && !means_.config.encrypt_key.empty()) keys = gossip::serf::keyring_of(means_.config.encrypt_key);
  if (keys) {
    for (const std::string& key : keys->keys()) view.GossipKeys.push_back(fingerprint(key));
  }
  view.Members.make_present();
  if (!view.Wan) return;
  for (const gossip::serf::MemberPtr& member : means_.pools.members(true)) {
    const auto server = server::server_info(*member);
    if (!server) continue;
    view.Members.push_back({.Name = member->Name,
                            .Datacenter = server->datacenter,
                            .Address = server->rpc_address(),
                            .Status = std::string(gossip::serf::to_string(member->Status))});
  }
}

void Examiner::look_at_copies(doctor::View& view) const {
  view.Copying.make_present();
  if (!view.Leader || means_.acl.in_primary()) return;
  const auto add = [&view](const char* kind, const server::ReplicationRecord::State& state) {
    view.Copying.push_back({.Kind = kind,
                            .Index = state.index,
                            .LastSuccess = state.last_success,
                            .LastError = state.last_error,
                            .Error = state.error});
  };
  if (means_.acls != nullptr) {
    const rpc::ACLReplicationStatus status = means_.acls->status();
    server::ReplicationRecord::State state{.index = status.ReplicatedIndex,
                                           .last_success = status.LastSuccess,
                                           .last_error = status.LastError,
                                           .error = status.LastErrorMessage};
    add(server::kAclPolicies, state);
    state.index = status.ReplicatedRoleIndex;
    add(server::kAclRoles, state);
    state.index = status.ReplicatedTokenIndex;
    if (means_.acl.token_replication) add(server::kAclTokens, state);
  }
  if (means_.config_entries != nullptr) add(server::kConfigEntries, means_.config_entries->state());
  if (means_.federation != nullptr) {
    add(server::kFederationStates, means_.federation->copied());
    add(server::kOwnState, means_.federation->kept());
  }
}

doctor::View Examiner::look() const {
  const config::Config& config = means_.config;
  doctor::View view{.Datacenter = config.datacenter,
                    .Node = config.node_name,
                    .Version = std::string(kBuildName) + " " + std::string(kBuildVersion),
                    .PrimaryDatacenter = config.primary_datacenter,
                    .Domain = tls_rules(config).domain,
                    .ThroughGateways = means_.gateways != nullptr,
                    .Connect = config.connect_enabled,
                    .Acls = means_.acl.enabled,
                    .TokenReplication = means_.acl.token_replication,
                    .RetryJoinWan = !config.retry_join_wan.empty(),
                    .ReplicationToken = !means_.acl.replication_token().empty(),
                    .Now = base::system_clock().wall()};
  const config::TlsListener& tls = config.tls.internal_rpc;
  view.Tls = tls.verify_outgoing || view.ThroughGateways;
  if (!tls.cert_file.empty()) view.Certificate = certificate_in(tls.cert_file);
  for (const std::string& entry : config.primary_gateways) view.PrimaryGateways.push_back(shown_address(entry));
  server::look_at_state(means_.server, view);
  look_at_gossip(view);
  look_at_copies(view);
  view.Ways.make_present();
  if (means_.gateways == nullptr) return view;
  std::set<std::string> chosen;
  // As they are picked: what works before what was not tried, by preference.
  std::vector<wanfed::WayState> ways = means_.gateways->survey();
  const auto rank = [](const wanfed::WayState& way) { return way.works ? 0 : way.failed ? 2 : 1; };
  std::map<std::string, const wanfed::WayState*> best;
  for (const wanfed::WayState& way : ways) {
    const wanfed::WayState*& known = best[way.way.datacenter];
    if (known == nullptr || rank(way) < rank(*known)) known = &way;
  }
  for (const wanfed::WayState& way : ways) {
    view.Ways.push_back({.Datacenter = way.way.datacenter,
                         .Gateway = way.way.gateway,
                         .Kind = text_of(way.tier),
                         .State = way.works    ? "works"
                                  : way.failed ? "failed"
                                               : "untried",
                         .InUse = best[way.way.datacenter] == &way,
                         .Dials = way.dials,
                         .Failures = way.failures,
                         .LastFailure = way.failures > 0 ? wall_of(way.last_failure) : base::Time()});
  }
  return view;
}

// ---- what comes of calling the others

class Examiner::Round {
 public:
  Round(const Examiner& examiner, const std::string& token, Clock::time_point deadline)
      : means_(examiner.means_),
        stopping_(examiner.stopping_),
        over_(examiner.over_.get_token()),
        token_(token),
        deadline_(deadline) {
    findings_.own = examiner.look();
    findings_.now = findings_.own.Now;
  }

  doctor::Findings run() {
    if (means_.gateways != nullptr) resolve();
    std::vector<Job> jobs = first_jobs();
    carry_out(jobs);
    std::vector<Job> more = jobs_by_name();
    carry_out(more);
    return std::move(findings_);
  }

 private:
  struct Job {
    doctor::Probe probe{};
    base::net::Destination to{};
  };

  void resolve() {
    for (WanGateways::Resolved& each : means_.gateways->resolve_primary_gateways()) {
      findings_.names.push_back(
          {.entry = shown_address(each.entry), .addresses = std::move(each.addresses), .error = std::move(each.error)});
    }
  }

  Job by_gateway(const std::string& node, const std::string& datacenter, const std::string& gateway,
                 const std::string& kind) {
    Job job{.probe = {.datacenter = datacenter, .node = node, .address = gateway, .kind = kind},
            .to = means_.gateways->trial(node, datacenter, gateway)};
    job.probe.server_name = job.to.peer.name;
    return job;
  }
  Job direct(const server::ServerInfo& server) {
    Job job{.probe = {.datacenter = server.datacenter,
                      .node = server.short_name.empty() ? server.name : server.short_name,
                      .address = server.rpc_address(),
                      .kind = "server"},
            .to = means_.plane.destination(server)};
    if (job.to.tls) job.probe.server_name = job.to.peer.name;
    return job;
  }

  /// Every gateway, and every server that can be called by its address.
  std::vector<Job> first_jobs() {
    std::vector<Job> jobs;
    for (const server::ServerInfo& server : means_.servers.alive()) {
      if (server.id != means_.node_id) jobs.push_back(direct(server));
    }
    if (means_.gateways == nullptr) {
      if (!means_.pools.has_wan()) return jobs;
      for (const gossip::serf::MemberPtr& member : means_.pools.members(true)) {
        if (member->Status == gossip::serf::MemberStatus::left) continue;
        const auto server = server::server_info(*member);
        if (server && server->datacenter != means_.config.datacenter) jobs.push_back(direct(*server));
      }
      return jobs;
    }
    std::set<std::string> seen;
    const std::string& primary = means_.config.primary_datacenter;
    for (const doctor::WayView& way : findings_.own.Ways) {
      // What was remembered counts where nothing newer is known.
      if (way.Kind == "remembered" && std::ranges::any_of(findings_.own.Ways, [&](const doctor::WayView& other) {
            return other.Datacenter == way.Datacenter && other.Kind != "remembered";
          })) {
        continue;
      }
      seen.insert(way.Datacenter + ' ' + way.Gateway);
      jobs.push_back(by_gateway("", way.Datacenter, way.Gateway, way.Kind));
    }
    for (const doctor::Resolution& name : findings_.names) {
      for (const std::string& address : name.addresses) {
        if (seen.insert(primary + ' ' + address).second) jobs.push_back(by_gateway("", primary, address, "direct"));
      }
    }
    return jobs;
  }

  /// Servers by their own names, through gateways that lead to their datacenter.
  std::vector<Job> jobs_by_name() {
    std::vector<Job> jobs;
    if (means_.gateways == nullptr || !means_.pools.has_wan()) return jobs;
    std::map<std::string, const doctor::Probe*> ways;
    for (const doctor::Probe& probe : findings_.probes) {
      if (!probe.works() || !probe.through_gateway()) continue;
      const doctor::Probe*& known = ways[probe.datacenter];
      if (known == nullptr || (probe.kind == "local" && known->kind != "local")) known = &probe;
    }
    for (const doctor::Member& member : findings_.own.Members) {
      const auto way = ways.find(member.Datacenter);
      if (way == ways.end() || member.Status == "left") continue;
      const std::string node = member.Name.substr(0, member.Name.rfind('.'));
      jobs.push_back(by_gateway(node, member.Datacenter, way->second->address, way->second->kind));
    }
    return jobs;
  }

  void carry_out(std::vector<Job>& jobs) {
    for (std::size_t i = kMostProbes; i < jobs.size(); ++i) ++findings_.left_out[jobs[i].probe.datacenter];
    if (jobs.size() > kMostProbes) jobs.resize(kMostProbes);
    std::atomic<std::size_t> next{0};
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < std::min(jobs.size(), kMostAtOnce); ++i) {
      threads.emplace_back([&] {
        for (std::size_t at = next++; at < jobs.size(); at = next++) call(jobs[at]);
      });
    }
    threads.clear();
    for (Job& job : jobs) findings_.probes.push_back(std::move(job.probe));
  }

  void call(Job& job) {
    doctor::Probe& probe = job.probe;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now());
    if (left.count() <= 0 || stopping_.raised()) {
      probe.error = "not asked: the time was over";
      return;
    }
    std::shared_ptr<rpc::TypedInvocation<rpc::Nothing, rpc::Nothing>> ping;
    std::shared_ptr<rpc::TypedInvocation<rpc::Nothing, base::Time>> clock;
    std::shared_ptr<rpc::TypedInvocation<rpc::DCSpecificRequest, doctor::View>> view;
    std::vector<rpc::DirectStep> steps;
    steps.push_back(step("Status.Ping", rpc::Nothing(), ping));
    steps.push_back(step("Federation.Clock", rpc::Nothing(), clock));
    rpc::DCSpecificRequest asked;
    asked.Datacenter = probe.datacenter;
    asked.Token = token_;
    steps.push_back(step("Federation.View", std::move(asked), view));
    std::shared_ptr<rpc::TypedInvocation<rpc::RemoteACLAuthorizationRequest, base::List<rpc::ACLAuthorizationResponse>>>
        rights;
    const bool tries_token = probe.datacenter == means_.config.primary_datacenter && !means_.acl.in_primary() &&
                             means_.acl.enabled && !means_.acl.replication_token().empty();
    if (tries_token) steps.push_back(step("ACL.Authorize", wanted_rights(), rights));
    const Result<> done = rpc::converse_directly(means_.loops.next(), std::move(job.to), steps,
                                                 std::min<std::chrono::milliseconds>(kPatience, left), over_);
    if (!steps[0].result) {
      probe.error = done ? steps[0].result.error().detail : done.error().detail;
      return;
    }
    probe.round_trip = {steps[0].took.count()};
    if (steps[1].result) {
      probe.ahead = clock->reply - base::system_clock().wall();
      if (steps[1].took > steps[0].took) probe.round_trip = {std::max(steps[0].took, steps[1].took).count()};
    }
    if (steps[2].result) {
      probe.view = std::move(view->reply);
    } else {
      const std::string& why = steps[2].result.error().detail;
      probe.refusal = has_no_such_method(why) ? "cannot be asked for more (a Consul server)" : "does not tell: " + why;
    }
    if (!tries_token) return;
    const std::lock_guard lock(mutex_);
    doctor::TokenTrial& trial = findings_.token;
    if (trial.tried && trial.error.empty()) return;
    trial = {.tried = true};
    if (!steps[3].result) {
      trial.error = steps[3].result.error().detail;
      return;
    }
    for (const rpc::ACLAuthorizationResponse& right : rights->reply) {
      if (!right.Allow) trial.missing.push_back(right.Resource + ":" + right.Access);
    }
  }

  /// What the replication token must be good for.
  rpc::RemoteACLAuthorizationRequest wanted_rights() const {
    rpc::RemoteACLAuthorizationRequest request;
    request.Datacenter = means_.config.primary_datacenter;
    request.Token = means_.acl.replication_token();
    const std::string any = "proconsul-federation-doctor";  // whichever name: rules for all are meant
    const auto add = [&request](std::string resource, std::string access, std::string segment) {
      request.Requests.push_back(
          {.Resource = std::move(resource), .Segment = std::move(segment), .Access = std::move(access)});
    };
    add("acl", means_.acl.token_replication ? "write" : "read", "");
    add("operator", "write", "");
    add("service", "read", any);
    add("intention", "read", any);
    return request;
  }

  const Means& means_;
  const base::Interrupt& stopping_;
  const std::stop_token over_;
  const std::string& token_;
  const Clock::time_point deadline_;
  std::mutex mutex_{};  // guards findings_.token
  doctor::Findings findings_{};
};

// ---- who is asked

bool Examiner::begin(std::move_only_function<void()> work, std::atomic<int>& running, int most) {
  const std::lock_guard lock(mutex_);
  if (stopping_.raised() || running >= most) return false;
  ++running;
  background_.run([&running, work = std::move(work)]() mutable {
    work();
    work = nullptr;
    --running;
  });
  return true;
}

void Examiner::see(std::move_only_function<void(Result<doctor::View>)> done) {
  auto shared = std::make_shared<std::move_only_function<void(Result<doctor::View>)>>(std::move(done));
  if (!begin([this, shared] { (*shared)(look()); }, looks_, kMostLooks)) {
    (*shared)(Error{Errc::unavailable, "too many look at the federation now, try again later"});
  }
}

void Examiner::examine(std::string token, std::move_only_function<void(Result<doctor::Findings>)> done) {
  auto shared = std::make_shared<std::move_only_function<void(Result<doctor::Findings>)>>(std::move(done));
  const auto work = [this, shared, token = std::move(token)] {
    const Clock::time_point deadline = Clock::now() + kAll;
    doctor::Findings findings;
    for (int round = 0; round < kMostRounds; ++round) {
      findings = Round(*this, token, deadline).run();
      // What was changed a moment ago may still be on its way.
      if (Clock::now() + kSettle + kPatience > deadline || !doctor::may_settle(findings)) break;
      if (!stopping_.sleep({std::chrono::nanoseconds(kSettle).count()})) break;
    }
    (*shared)(std::move(findings));
  };
  if (!begin(work, examinations_, kMostExaminations)) {
    (*shared)(Error{Errc::unavailable, "too many look at the federation now, try again later"});
  }
}

void Examiner::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_.raise();
  }
  over_.request_stop();
  background_.wait();
}

}  // namespace proconsul::agent::cluster
