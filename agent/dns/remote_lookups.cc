#include "agent/dns/remote_lookups.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <iterator>
#include <optional>
#include <utility>

#include "agent/config/address.h"
#include "agent/dns/instance.h"
#include "agent/dns/name.h"
#include "agent/rpc/types.h"
#include "catalog/registry/lookup.h"

namespace proconsul::agent::dns {
namespace {

using base::Result;
using catalog::CheckServiceNode;
using Kind = RemoteKey::Kind;
using Outcome = RemoteAnswer::Outcome;
template <class Req, class Rep>
using Call = rpc::TypedInvocation<Req, Rep>;
using Instances = Call<rpc::ServiceSpecificRequest, rpc::IndexedCheckServiceNodes>;
using NodeServices = Call<rpc::NodeSpecificRequest, rpc::IndexedNodeServices>;
using Execution = Call<rpc::PreparedQueryExecuteRequest, catalog::PreparedQueryExecuteResponse>;
using VirtualAddress = Call<rpc::ServiceSpecificRequest, std::string>;
using Nodes = Call<rpc::DCSpecificRequest, rpc::IndexedNodes>;
using Services = Call<rpc::ServiceSpecificRequest, rpc::IndexedServiceNodes>;

constexpr base::Duration kStale = base::seconds(5);
constexpr std::chrono::seconds kKeptWithoutAge{1};  // dns_config.cache_max_age = 0
constexpr std::int32_t kNotCritical = 1;
constexpr std::int32_t kOnlyPassing = 2;

std::string_view method_of(const RemoteKey& key, bool among_services) {
  switch (key.kind) {
    case Kind::instances:
    case Kind::servers:
      return "Health.ServiceNodes";
    case Kind::node:
      return "Catalog.NodeServices";
    case Kind::query:
      return "PreparedQuery.Execute";
    case Kind::virtual_address:
      return "Catalog.VirtualIPForService";
    case Kind::reverse:
      return among_services ? "Catalog.ServiceNodes" : "Catalog.ListNodes";
  }
  return {};
}

void fill(rpc::ServiceSpecificRequest& request, const RemoteKey& key, bool only_passing) {
  request.ServiceName = key.name;
  request.PeerName = key.peer;
  request.Connect = key.connect;
  request.Ingress = key.ingress;
  request.TagFilter = !key.tag.empty();
  if (request.TagFilter) request.ServiceTags = {key.tag};
  request.HealthFilterType = only_passing ? kOnlyPassing : kNotCritical;
}

bool is_whole(const CheckServiceNode& instance) {
  return instance.Node && instance.Service;
}

bool passes(const CheckServiceNode& instance) {
  return std::ranges::all_of(instance.Checks,
                             [](const auto& check) { return !check || check->Status == catalog::kHealthPassing; });
}

ImagePtr image_of(const Settings& settings, const base::List<CheckServiceNode>& instances, std::string_view datacenter,
                  bool in_order) {
  ImageBuilder builder;
  for (const CheckServiceNode& instance : instances) {
    if (!is_whole(instance)) continue;
    builder.add(std::make_shared<const Instance>(make_instance(settings, instance, datacenter)), nullptr,
                in_order || passes(instance), {});
  }
  return builder.build();
}

// Of the nodes with an address, in whatever spelling, and of few others.
std::string address_filter(const std::string& address) {
  const std::optional<config::Ip> ip = config::Ip::parse(address);
  std::string spelling = "^[0:]+:[fF]{4}:";  // of IPv4 as IPv6
  if (ip && !ip->is_v4()) {
    spelling = "^[0:]*";
    std::string_view before;
    for (std::size_t i = 0; i < ip->size(); i += 2) {
      const unsigned group = ip->bytes()[i] * 256U + ip->bytes()[i + 1];
      if (group == 0) continue;
      spelling += std::exchange(before, ":[0:]*");
      char digits[4];
      const char* const end = std::to_chars(digits, std::end(digits), group, 16).ptr;
      for (const char digit : std::string_view(digits, end)) {
        const char capital = digit >= 'a' ? static_cast<char>(digit - 'a' + 'A') : digit;
        spelling.append({'[', digit, capital, ']'});
      }
    }
    spelling += "[0:]*$|:.*[.]";  // the last four bytes may be written as IPv4 is
  }
  return "Address == `" + address + "` or Address matches `" + spelling + "`";
}

Outcome outcome_of(const base::Error& error) {
  for (const char* text : {"No path to datacenter", "Query not found"}) {
    if (error.detail.find(text) != std::string::npos) return Outcome::no_name;
  }
  return Outcome::failed;
}

void read(const Instances& call, const RemoteKey& key, const Settings& settings, RemoteAnswer& answer) {
  if (call.reply.Nodes.empty()) return;
  answer.outcome = Outcome::found;
  if (key.kind == Kind::instances) {
    answer.image = image_of(settings, call.reply.Nodes, key.peer.empty() ? key.datacenter : std::string(), false);
    return;
  }
  for (const CheckServiceNode& instance : call.reply.Nodes) {
    if (is_whole(instance)) answer.nodes.push_back(*instance.Node);
  }
}

void read(const Execution& call, const Settings& settings, RemoteAnswer& answer) {
  if (call.reply.Nodes.empty()) return;
  answer.outcome = Outcome::found;
  answer.service = call.reply.Service;
  answer.ttl = call.reply.DNS.TTL;
  answer.image = image_of(settings, call.reply.Nodes, call.reply.Datacenter, true);
}

}  // namespace

RemoteLookups::~RemoteLookups() {
  stop();
}

void RemoteLookups::stop() {
  asked_.clear();
  forget();
}

void RemoteLookups::forget() {
  kept_.clear();
  by_age_.clear();
  kept_bytes_ = 0;
}

RemoteAnswerPtr RemoteLookups::kept(const RemoteKey& key, const Settings& settings) {
  if (!settings.use_cache) return nullptr;
  const auto found = kept_.find(key);
  if (found == kept_.end()) return nullptr;
  const std::chrono::nanoseconds most(settings.cache_max_age.nanoseconds);
  const auto age = base::net::Clock::now() - found->second.since;
  if (age < (most.count() > 0 ? most : std::chrono::nanoseconds(kKeptWithoutAge))) return found->second.answer;
  drop(key);
  return nullptr;
}

void RemoteLookups::drop(const RemoteKey& key) {
  const auto found = kept_.find(key);
  if (found == kept_.end()) return;
  kept_bytes_ -= found->second.answer->memory();
  by_age_.erase(found->second.place);
  kept_.erase(found);
}

void RemoteLookups::keep(const RemoteKey& key, RemoteAnswerPtr answer) {
  drop(key);
  const std::size_t size = answer->memory();
  if (size > kMostKeptBytes / 4) return;
  kept_bytes_ += size;
  const auto place = by_age_.insert(by_age_.end(), key);
  kept_.emplace(key, Kept{.answer = std::move(answer), .since = base::net::Clock::now(), .place = place});
  while (kept_bytes_ > kMostKeptBytes) drop(RemoteKey(by_age_.front()));
}

void RemoteLookups::ask(const RemoteKey& key, std::shared_ptr<const Settings> settings, Done done) {
  const auto known = asked_.find(key);
  if (known != asked_.end()) return known->second.waiting.push_back(std::move(done));
  if (asked_.size() >= kMostAsked) {
    return loop_.post([done = std::move(done)]() mutable { done(std::make_shared<const RemoteAnswer>()); });
  }
  Asked& asked = asked_[key];
  asked.key = key;
  // A state of this datacenter that may not be shown is here: another such one would not do.
  const bool too_old_here = has_state_ && key.datacenter == settings->datacenter && key.kind != Kind::query;
  asked.stale = settings->allow_stale && !too_old_here && key.kind != Kind::virtual_address;
  asked.settings = std::move(settings);
  asked.waiting.push_back(std::move(done));
  begin(asked);
}

void RemoteLookups::begin(Asked& asked) {
  const RemoteKey& key = asked.key;
  const rpc::Method& method = *rpc::find_method(method_of(key, asked.among_services));
  asked.call = method.make();
  const auto options = [&](auto& request) -> auto& {
    request.Datacenter = key.datacenter;
    request.AllowStale = asked.stale;
    request.Token = key.token;
    return request;
  };
  switch (key.kind) {
    case Kind::instances:
    case Kind::servers:
      fill(options(static_cast<Instances&>(*asked.call).request), key, asked.settings->only_passing);
      break;
    case Kind::virtual_address:
      fill(options(static_cast<VirtualAddress&>(*asked.call).request), key, false);
      break;
    case Kind::node: {
      auto& request = options(static_cast<NodeServices&>(*asked.call).request);
      request.Node = key.name;
      request.PeerName = key.peer;
      break;
    }
    case Kind::query: {
      auto& request = options(static_cast<Execution&>(*asked.call).request);
      request.QueryIDOrName = key.name;
      request.Agent.Datacenter = asked.settings->datacenter;
      request.Agent.Node = asked.settings->node_name;
      request.Source.Ip = key.source;
      break;
    }
    case Kind::reverse:
      if (asked.among_services) {
        options(static_cast<Services&>(*asked.call).request).ServiceAddress = key.name;
      } else {
        options(static_cast<Nodes&>(*asked.call).request).Filter = address_filter(key.name);
      }
      break;
  }
  asked.running = caller_.call(loop_, method, asked.call, [this, key](Result<> result) { answered(key, result); });
}

void RemoteLookups::answered(const RemoteKey& key_, const Result<>& result) {
  const RemoteKey key = key_;  // the call that owns it ends below
  const auto found = asked_.find(key);
  if (found == asked_.end()) return;
  Asked& asked = found->second;
  loop_.post([dead = std::move(asked.running)] {});  // it is on the stack
  const Settings& settings = *asked.settings;
  auto answer = std::make_shared<RemoteAnswer>();
  if (!result) {
    answer->outcome = outcome_of(result.error());
    if (answer->outcome == Outcome::failed) {
      log_.warn("rpc request failed", {{"name", key.name}, {"datacenter", key.datacenter}, {"error", result.error()}});
    }
  } else {
    if (const catalog::QueryMeta* meta = asked.call->meta(); meta != nullptr && asked.stale) {
      if (meta->LastContact > settings.max_stale) {
        log_.warn("Query results too stale, re-requesting", {{"name", key.name}});
        asked.stale = false;
        return begin(asked);
      }
      answer->stale = meta->LastContact > kStale;
    }
    answer->outcome = Outcome::no_name;
    switch (key.kind) {
      case Kind::instances:
      case Kind::servers:
        read(static_cast<const Instances&>(*asked.call), key, settings, *answer);
        break;
      case Kind::node: {
        const auto& services = static_cast<const NodeServices&>(*asked.call).reply.NodeServices;
        if (!services || !services->Node) break;
        answer->outcome = Outcome::found;
        answer->nodes.push_back(*services->Node);
        break;
      }
      case Kind::query:
        read(static_cast<const Execution&>(*asked.call), settings, *answer);
        break;
      case Kind::virtual_address:
        answer->outcome = Outcome::found;
        answer->text = static_cast<const VirtualAddress&>(*asked.call).reply;
        break;
      case Kind::reverse:
        if (!asked.among_services) {
          for (const auto& node : static_cast<const Nodes&>(*asked.call).reply.Nodes) {
            if (!node || config::Ip::parse(node->Address) != config::Ip::parse(key.name)) continue;
            if (answer->text.empty()) answer->text = node_labels(*node);
          }
        } else {
          for (const auto& service : static_cast<const Services&>(*asked.call).reply.ServiceNodes) {
            if (!service || !answer->text.empty() || service->ServiceAddress != key.name) continue;
            answer->text = to_labels(service->ServiceName + ".service." + service->Datacenter).value_or("");
          }
        }
        if (!answer->text.empty()) answer->outcome = Outcome::found;
        break;
    }
  }
  if (key.kind == Kind::reverse && !asked.among_services && answer->outcome != Outcome::found) {
    asked.among_services = true;
    return begin(asked);
  }
  std::vector<Done> waiting = std::move(asked.waiting);
  if (settings.use_cache && result) keep(key, answer);
  asked_.erase(found);
  for (Done& done : waiting) done(answer);
}

}  // namespace proconsul::agent::dns
