#include "agent/gateway/follower.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "agent/gateway/kept.h"
#include "agent/gateway/learned.h"
#include "agent/gateway/listening.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/log.h"
#include "base/type_of.h"

namespace proconsul::agent::gateway {

using base::Errc;
using base::Result;
using cli::ApiClient;
using cli::ApiRequest;
using cli::ApiResponse;
using wanfed::gateway::Topology;

namespace {

constexpr base::Duration kFirstRetry = base::milliseconds(250);
constexpr base::Duration kLastRetry = base::seconds(10);
/// Changes that come together are taken together.
constexpr base::Duration kPause = base::milliseconds(100);
/// What does not block is asked for so often.
constexpr base::Duration kRound = base::seconds(10);
/// Much longer and a connection that leads nowhere is noticed late.
constexpr const char* kWait = "60s";

/// One thing to follow.
struct View {
  const char* path;
  bool blocks;
  Result<> (*take)(Learned& learned, std::string_view body);
};

template <class T>
Result<> read(T& into, std::string_view body) {
  T fresh{};
  if (Result<> read = base::read_json(body, fresh); !read) return read;
  into = std::move(fresh);
  return {};
}

Result<> take_self(Learned& learned, std::string_view body) {
  Self self;
  if (Result<> done = read(self, body); !done) return done;
  learned.datacenter = self.Config.Datacenter;
  learned.domain = self.DebugConfig.DNSDomain;
  return {};
}
Result<> take_roots(Learned& learned, std::string_view body) {
  watch::CaRootList roots;
  if (Result<> done = read(roots, body); !done) return done;
  learned.trust_domain = roots.TrustDomain;
  return {};
}

constexpr std::array kViews = {
    View{"/v1/agent/self", false, take_self},
    View{"/v1/connect/ca/roots", true, take_roots},
    View{"/v1/internal/ui/nodes", true,
         [](Learned& learned, std::string_view body) { return read(learned.nodes, body); }},
    View{"/v1/internal/federation-states/mesh-gateways", true,
         [](Learned& learned, std::string_view body) { return read(learned.gateways, body); }},
    View{"/v1/config/service-resolver", true,
         [](Learned& learned, std::string_view body) { return read(learned.resolvers, body); }},
    View{"/v1/catalog/datacenters", false,
         [](Learned& learned, std::string_view body) { return read(learned.datacenters, body); }},
};

constexpr std::string_view kNoAnswer =
    "the agent does not answer: what was known stays in force, and it is asked again";
constexpr std::string_view kNotInForce = "the gateway's registration is not in force: it is tried again";

const base::log::Logger kLog("mesh-gateway");

}  // namespace

struct Follower::Impl {
  explicit Impl(Options options_)
      : options(std::move(options_)), remembers(options.in_force), wan_federation(options.wan_federation) {}

  Result<ApiClient> client() {
    cli::ApiConfig config = options.api;
    config.interrupt = &stop;
    config.advice = nullptr;
    return ApiClient::make(std::move(config));
  }
  void begin();
  void follow(std::size_t view, ApiClient& api);
  void follow_registration(ApiClient& api);
  void tell();
  void failed(std::string_view what, const base::Error& error, std::string_view said = kNoAnswer);
  void answered(std::string_view what);
  void seen(std::string_view what, bool filtered);

  const Options options;
  base::Interrupt stop{};
  std::vector<ApiClient> clients{};  // one for each thread, until they run

  std::mutex mutex{};  // guards the next ones
  Learned learned{};
  std::array<bool, kViews.size()> known{};
  bool has_registration = false;
  bool remembers;  // what is in force is of the disk, or of another follower
  bool wan_federation;
  std::string told{};     // the last topology, as it is kept
  std::string written{};  // what was kept last

  std::mutex state_mutex{};                                    // guards the next ones
  std::map<std::string, std::string, std::less<>> troubles{};  // why, by what was asked
  std::set<std::string, std::less<>> filtered{};               // what the token does not see all of

  std::vector<std::thread> threads{};
};

/// What fails for one cause is said once, and again when it fails for another.
void Follower::Impl::failed(std::string_view what, const base::Error& error, std::string_view said) {
  // Before it stands the address that was asked, behind it this end's, and both differ from one request to the next.
  std::string_view cause = error.detail;
  if (const std::size_t url = cause.find("\": "); url != cause.npos) cause.remove_prefix(url + 3);
  cause = cause.substr(0, cause.find("read tcp"));
  const std::lock_guard lock(state_mutex);
  const bool known = std::ranges::any_of(troubles, [&](const auto& trouble) { return trouble.second == cause; });
  troubles.insert_or_assign(std::string(what), std::string(cause));
  if (known) return;
  kLog.warn(said, {{"request", what}, {"error", error}});
}

void Follower::Impl::answered(std::string_view what) {
  const std::lock_guard lock(state_mutex);
  const auto trouble = troubles.find(what);
  if (trouble == troubles.end()) return;
  troubles.erase(trouble);
  if (troubles.empty()) kLog.info("the agent answers again");
}

/// Routes that are not there for lack of permissions are not missed by anybody else.
void Follower::Impl::seen(std::string_view what, bool is_filtered) {
  const std::lock_guard lock(state_mutex);
  if (is_filtered == filtered.contains(what)) return;
  if (!is_filtered) {
    filtered.erase(filtered.find(what));
    return kLog.info("the gateway's token may read all again", {{"request", what}});
  }
  filtered.emplace(what);
  kLog.warn(
      "the gateway's token may not read all: what it does not see has no route; it needs node:read and "
      "service:read of everything",
      {{"request", what}});
}

/// Under the mutex. A topology of which a part is not known yet would take routes away that are on disk.
void Follower::Impl::tell() {
  const bool whole = std::ranges::all_of(known, std::identity{}) && (options.service.empty() || has_registration);
  if (remembers && !whole) return;
  if (learned.datacenter.empty()) return;
  remembers = false;
  const Topology topology = topology_of(learned, wan_federation);
  std::string text = to_text(topology);
  if (text != told) {
    told = std::move(text);
    options.changed(topology);
  }
  if (options.file.empty() || !whole || written == told) return;
  // What is remembered is not needed to go on: a full disk is no reason to stop.
  if (Result<> kept = base::write_file_atomically(options.file, told, 0600, false); !kept) {
    return kLog.warn("the routes cannot be remembered", {{"error", kept.error()}});
  }
  written = told;
}

void Follower::Impl::follow(std::size_t number, ApiClient& api) {
  const View& view = kViews[number];
  std::uint64_t index = 0;
  base::Duration retry = kFirstRetry;
  while (!stop.raised()) {
    ApiRequest request = api.request("GET", view.path);
    if (view.blocks) {
      request.set("wait", kWait);
      if (index != 0) request.set("index", std::to_string(index));
    }
    Result<ApiResponse> response = api.call(request);
    if (stop.raised()) return;
    // Without a mesh there are no roots, and servers are all there is to lead to.
    if (!response && view.take == take_roots &&
        response.error().detail.find("Connect must be enabled") != std::string::npos) {
      response = ApiResponse{.status = 200, .body = "{}"};
    }
    const auto begun = std::chrono::steady_clock::now();
    Result<> taken = response ? Result<>{} : Result<>{response.error()};
    if (taken && (!view.blocks || response->index != index || index == 0)) {
      const std::lock_guard lock(mutex);
      taken = view.take(learned, response->body);
      if (taken) {
        known[number] = true;
        tell();
      }
    }
    if (!taken) {
      failed(view.path, taken.error());
      index = 0;
      if (!stop.sleep(retry)) return;
      retry = std::min(base::Duration{retry.nanoseconds * 2}, kLastRetry);
      continue;
    }
    answered(view.path);
    seen(view.path, response->filtered);
    retry = kFirstRetry;
    // An index that goes back is of another state: it is asked for anew.
    index = response->index < index ? 0 : response->index;
    const std::chrono::nanoseconds spent = std::chrono::steady_clock::now() - begun;
    // A large catalog that changes all the time must not keep a core busy.
    const base::Duration pause = std::max(kPause, base::Duration{spent.count() * 5});
    if (!stop.sleep(view.blocks && response->index != 0 ? pause : kRound)) return;
  }
}

void Follower::Impl::follow_registration(ApiClient& api) {
  std::string hash;
  base::Duration retry = kFirstRetry;
  const std::string path = "/v1/agent/service/" + options.service;
  while (!stop.raised()) {
    ApiRequest request = api.request("GET", path);
    request.set("wait", kWait);
    if (!hash.empty()) request.set("hash", hash);
    Result<ApiResponse> response = api.call(request, {200, 404});
    if (stop.raised()) return;
    http::AgentService service;
    Result<> taken = response ? Result<>{} : Result<>{response.error()};
    const bool there = taken && response->status == 200;
    if (there) taken = read(service, response->body);
    if (taken && (!there || hash.empty() || hash != service.ContentHash)) {
      taken = options.registered(there ? &service : nullptr);
    }
    if (stop.raised()) return;
    if (!taken) failed(path, taken.error(), response ? kNotInForce : kNoAnswer);
    if (!taken || !there) {
      hash.clear();
      if (!stop.sleep(retry)) return;
      retry = std::min(base::Duration{retry.nanoseconds * 2}, kLastRetry);
      continue;
    }
    answered(path);
    retry = kFirstRetry;
    hash = service.ContentHash;
    {
      const std::lock_guard lock(mutex);
      wan_federation = leads_to_servers(service);
      has_registration = true;
      tell();
    }
    if (!stop.sleep(kPause)) return;
  }
}

void Follower::Impl::begin() {
  if (options.identity) {
    learned.datacenter = options.identity->datacenter;
    learned.domain = options.identity->domain;
    known[0] = true;
  }
  for (std::size_t view = options.identity ? 1 : 0; view < kViews.size(); ++view) {
    threads.emplace_back([this, view, api = std::move(clients[view])]() mutable { follow(view, api); });
  }
  if (options.service.empty()) return;
  threads.emplace_back([this, api = std::move(clients[kViews.size()])]() mutable { follow_registration(api); });
}

Follower::Follower(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Follower>> Follower::make(Options options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  for (std::size_t i = 0; i <= kViews.size(); ++i) {
    Result<ApiClient> client = impl->client();
    if (!client) return client.error();
    impl->clients.push_back(std::move(*client));
  }
  return std::unique_ptr<Follower>(new Follower(std::move(impl)));
}

void Follower::begin() {
  impl_->begin();
}

Follower::~Follower() {
  impl_->stop.raise();
  for (std::thread& thread : impl_->threads) thread.join();
}

}  // namespace proconsul::agent::gateway
