#include "agent/xds/service.h"

#include <atomic>
#include <chrono>
#include <utility>

#include "agent/rpc/followed_query.h"
#include "agent/rpc/types.h"
#include "agent/xds/delta_session.h"
#include "agent/xds/gateway_inputs.h"
#include "agent/xds/messages.h"
#include "agent/xds/versions.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/quote.h"
#include "catalog/registry/lookup.h"
#include "catalog/store/store.h"

namespace proconsul::agent::xds {

using base::Result;
using base::net::Clock;
using grpc::Call;
using grpc::Code;
using tokens::Who;

namespace {

const base::log::Logger kLog("agent.envoy.xds");

constexpr std::chrono::minutes kTokenLook{5};  // while nothing happens

constexpr const char* kGone = "xDS stream terminated due to an irrecoverable error, please try again";
constexpr const char* kNoProxy = "failed to watch proxy: service must be a sidecar proxy or gateway";

bool is_proxy(const catalog::NodeService& service) {
  return service.Kind == catalog::kKindConnectProxy || service.Kind == catalog::kKindMeshGateway ||
         service.Kind == catalog::kKindTerminatingGateway || service.Kind == catalog::kKindIngressGateway ||
         service.Kind == catalog::kKindApiGateway;
}

/// Whose configuration it is.
const std::string& owner_of(const catalog::NodeService& service) {
  return service.Kind == catalog::kKindConnectProxy ? service.Proxy->DestinationServiceName : service.Service;
}

/// Counts itself among the streams.
class Counted {
 public:
  explicit Counted(bool has_token) : has_token_(has_token) { count(1); }
  ~Counted() { count(-1); }
  Counted(const Counted&) = delete;

 private:
  void count(int step) const {
    static const base::metrics::Gauge kStreams = base::metrics::gauge(
        "xds.server.streams", {{"version", "v3"}},
        "Measures the number of active xDS streams handled by the server split by protocol version.");
    static const base::metrics::Gauge kNameless = base::metrics::gauge(
        "xds.server.streamsUnauthenticated", {},
        "Counts the number of active xDS streams handled by the server that are unauthenticated because ACLs are not "
        "enabled or ACL tokens were missing.");
    static std::atomic<int> streams{0}, nameless{0};
    kStreams.set(streams += step);
    if (!has_token_) kNameless.set(nameless += step);
  }
  const bool has_token_;
};

}  // namespace

class Service::Stream final : public grpc::Handler, base::net::Timer {
 public:
  Stream(Call& call, Service& service) : call_(call), service_(service), counted_(!call.token().empty()) {
    service_.find_who(call_.loop(), call_.token(), [this, here = here_](const Result<Who>& who) {
      if (*here && !who) refuse(who.error());
    });
  }
  ~Stream() override {
    *here_ = false;
    if (woken_) wakes().remove(*woken_);
  }
  void received(std::string_view message) override;
  void finished() override { end({}); }

 private:
  const Parts& parts() const { return service_.parts_; }
  grpc::Wakes& wakes() { return *service_.wakes_[call_.loop().number()]; }
  void on_timer() override { go_on(); }

  void end(grpc::Status status);
  void refuse(const base::Error& why);
  void begin(const Node& node);
  void watch_own();
  void watch_catalog(std::string node);
  void registered(std::optional<catalog::NodeService> now);
  void world_changed();
  void go_on();
  void judge(const Result<Who>& who);
  void send_updates();

  Call& call_;
  Service& service_;
  const Counted counted_;
  const std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
  const Clock::time_point begun_ = Clock::now();
  bool ended_ = false;
  std::string id_{};  // of the proxy; empty: not told yet
  std::optional<std::uint64_t> woken_{};
  base::Watch watch_{};                                 // of a service of this agent
  std::unique_ptr<rpc::FollowedQuery> registration_{};  // or of one in the catalog
  std::optional<catalog::NodeService> proxy_{};
  std::unique_ptr<GatewayInputs> inputs_{};
  DeltaSession session_{};
  std::optional<Resources> resources_{};  // once all is known
  bool sent_ = false;
  bool judging_ = false;  // the token is asked for
  bool again_ = false;    // something changed meanwhile
};

void Service::Stream::end(grpc::Status status) {
  if (std::exchange(ended_, true)) return;
  if (status.code != Code::ok) {
    kLog.error("Error handling ADS delta stream",
               {{"xdsVersion", "v3"}, {"service_id", id_}, {"error", status.message}});
  }
  cancel();
  watch_.cancel();
  call_.end(std::move(status));
}

void Service::Stream::refuse(const base::Error& why) {
  if (tokens::is_unknown(why)) return end({Code::unauthenticated, "unauthenticated: " + why.detail});
  if (tokens::is_refusal(why)) return end({Code::permission_denied, why.detail});
  end({Code::internal, "error resolving acl token: " + why.detail});
}

void Service::Stream::received(std::string_view message) {
  if (ended_) return;
  DeltaDiscoveryRequest request;
  if (const Result<> parsed = schema().parse(message, request); !parsed) {
    return end({Code::internal, "grpc: failed to unmarshal the received message: " + parsed.error().detail});
  }
  if (request.type_url.empty()) return end({Code::invalid_argument, "type URL is required for ADS"});
  if (request.node && id_.empty()) {
    if (request.node->id.empty()) {
      return end({Code::invalid_argument, "the node has no id: it names the proxy's service"});
    }
    if (const std::string why = why_unsupported(*request.node); !why.empty()) {
      return end({Code::invalid_argument, why});
    }
  }
  const DeltaSession::Heard heard = session_.take(request);
  if (heard == DeltaSession::Heard::refusal) {
    kLog.error("got error response from envoy proxy", {{"service_id", id_},
                                                       {"typeUrl", request.type_url},
                                                       {"nonce", request.response_nonce},
                                                       {"error", request.error_detail->message}});
    return;
  }
  if (heard == DeltaSession::Heard::too_much) {
    return end({Code::resource_exhausted, "too many resources are subscribed to"});
  }
  if (request.node && id_.empty()) return begin(*request.node);
  go_on();
}

void Service::Stream::begin(const Node& node) {
  id_ = node.id;
  const base::Value* told = nullptr;
  if (const auto found = node.metadata.find("node_name"); found != node.metadata.end()) told = &found->second;
  const std::string* name = told ? told->as_string() : nullptr;
  std::string at = name && !name->empty() ? *name : parts().node;
  if (at == parts().node && (parts().server == nullptr || parts().local.service(id_))) {
    woken_ = wakes().add([this] { watch_own(); });
    return watch_own();
  }
  if (parts().server != nullptr) return watch_catalog(std::move(at));
  end({Code::not_found, "the service " + base::quote(id_) + " is on node " + base::quote(at) +
                            ": this client agent configures proxies of its own node only, ask a server"});
}

/// A client agent waits for who is not registered yet, as Consul does.
void Service::Stream::watch_own() {
  if (ended_) return;
  base::KeySet keys;
  local::LocalAgent::watch_key(keys, id_);
  watch_ = parts().local_watches.watch(keys, wakes(), *woken_);
  registered(parts().local.service(id_));
}

void Service::Stream::watch_catalog(std::string node) {
  // As it is now, whatever the token may read: who may not have it is told so.
  if (const auto* row = catalog::find_service(parts().server->view()->tables(), node, id_)) {
    if (!is_proxy(row->get())) return end({Code::internal, kNoProxy});
  }
  rpc::NodeSpecificRequest request;
  request.Datacenter = parts().datacenter;
  request.Node = std::move(node);
  request.MergeCentralConfig = true;
  request.Token = call_.token();
  request.AllowStale = true;
  request.Filter = "ID == " + base::quote(id_);
  registration_ = rpc::follow<rpc::NodeSpecificRequest, rpc::IndexedNodeServiceList>(
      call_.loop(), parts().caller, "Catalog.NodeServiceList", std::move(request),
      [this](Result<rpc::IndexedNodeServiceList> answer) {
        if (ended_) return;
        if (!answer) {
          return kLog.warn("failed to read a proxy's service", {{"service_id", id_}, {"error", answer.error()}});
        }
        auto& services = answer->NodeServices.Services;
        if (services.empty() || !services.front()) return registered(std::nullopt);
        registered(std::move(*services.front()));
      });
}

/// A proxy that is gone ends the stream: Envoy comes again, and waits.
void Service::Stream::registered(std::optional<catalog::NodeService> now) {
  if (!now) {
    if (proxy_) end({Code::aborted, kGone});
    return;
  }
  if (!is_proxy(*now)) return end({Code::internal, kNoProxy});
  proxy_ = std::move(now);
  if (proxy_->Kind != catalog::kKindMeshGateway) return go_on();
  if (!inputs_) {
    GatewayInputs::Options options{.datacenter = parts().datacenter, .domain = parts().domain, .token = call_.token()};
    inputs_ =
        std::make_unique<GatewayInputs>(call_.loop(), parts().caller, std::move(options), [this] { world_changed(); });
    go_on();  // who may not have it hears of it now, not when all is known
  }
  inputs_->use(*proxy_);
}

void Service::Stream::world_changed() {
  if (ended_) return;
  Resources fresh = mesh_gateway_resources(inputs_->world());
  if (resources_ && *resources_ == fresh) return;
  resources_ = std::move(fresh);
  go_on();
}

/// With each request and each change it is asked whether the token still allows it.
void Service::Stream::go_on() {
  if (ended_ || !proxy_) return;
  if (judging_) {
    again_ = true;
    return;
  }
  judging_ = true;
  service_.find_who(call_.loop(), call_.token(), [this, here = here_](const Result<Who>& who) {
    if (*here) judge(who);
  });
}

void Service::Stream::judge(const Result<Who>& who) {
  judging_ = false;
  if (ended_) return;
  if (!who) return refuse(who.error());
  if (const Result<> may = tokens::require(*who, acl::Resource::service, owner_of(*proxy_), acl::Access::write); !may) {
    return end({Code::permission_denied, may.error().detail});
  }
  if (proxy_->Kind != catalog::kKindMeshGateway) {
    return end({Code::unimplemented, "the service " + base::quote(id_) + " is of kind " + proxy_->Kind +
                                         ": this agent configures Envoy as mesh-gateway only"});
  }
  arm(call_.loop(), Clock::now() + kTokenLook);
  if (resources_) send_updates();
  if (std::exchange(again_, false)) go_on();
}

void Service::Stream::send_updates() {
  static const base::metrics::Sample kStart = base::metrics::sample(
      "xds.server.streamStart", {},
      "Measures the time in milliseconds after an xDS stream is opened until xDS resources are first generated for the "
      "stream.");
  if (!std::exchange(sent_, true)) kStart.add_since(begun_);
  for (const DeltaDiscoveryResponse& response : session_.updates(*resources_)) {
    auto frame = std::make_shared<std::string>();
    grpc::append_frame(*frame, [&] { schema().append(*frame, response); });
    call_.send(std::move(frame));
  }
}

Service::Service(Parts parts) : parts_(std::move(parts)) {
  if (parts_.server != nullptr) bearers_.emplace(*parts_.server, parts_.tokens);
  for (std::size_t i = 0; i < parts_.loops.size(); ++i) {
    wakes_.push_back(std::make_unique<grpc::Wakes>(parts_.loops[i]));
  }
}

void Service::find_who(base::net::Loop& loop, std::string token, std::move_only_function<void(Result<Who>)> done) {
  if (bearers_) return bearers_->find(loop, std::move(token), std::move(done));
  if (parts_.remote_tokens == nullptr) return done(tokens::anybody());
  parts_.remote_tokens->resolve(token, [&loop, done = std::move(done)](Result<Who> who) mutable {
    loop.post([who = std::move(who), done = std::move(done)]() mutable { done(std::move(who)); });
  });
}

void Service::add_to(grpc::Services& services) {
  services.add("envoy.service.discovery.v3.AggregatedDiscoveryService",
               {{.name = "DeltaAggregatedResources",
                 .shape = grpc::Shape::both_stream,
                 .start = [this](Call& call) { return std::make_unique<Stream>(call, *this); }},
                {.name = "StreamAggregatedResources",
                 .shape = grpc::Shape::both_stream,
                 .start = [](Call& call) -> std::unique_ptr<grpc::Handler> {
                   call.end({Code::unknown, "not implemented"});
                   return nullptr;
                 }}});
}

}  // namespace proconsul::agent::xds
