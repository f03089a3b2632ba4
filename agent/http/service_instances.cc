#include "agent/http/service_instances.h"

#include <algorithm>
#include <vector>

#include "agent/http/health_endpoint.h"
#include "base/json.h"

namespace proconsul::agent::http {

using base::Errc;
using base::Error;
using base::Result;
using base::filter::Filter;

namespace {

constexpr std::size_t kInstanceOverhead = 192;

}  // namespace

Result<Filter> ServiceInstances::filter_of(const Request& request) {
  if (request.Filter.empty()) return Filter();
  Result<Filter> filter = Filter::compile(request.Filter, base::type_of<catalog::CheckServiceNode>());
  if (!filter) return Error{Errc::internal, filter.error().detail};
  return filter;
}

ServiceInstances::ServiceInstances(const Context& agent, Request request, std::size_t most_bytes)
    : agent_(agent),
      request_(std::move(request)),
      most_bytes_(most_bytes),
      filter_(filter_of(request_).value_or(Filter())),
      meta_(request_.NodeMetaFilters.begin(), request_.NodeMetaFilters.end()) {}

grpc::SubscribeRequest ServiceInstances::subscribe() {
  grpc::SubscribeRequest request;
  request.Topic =
      static_cast<std::int32_t>(request_.Connect ? grpc::Topic::service_health_connect : grpc::Topic::service_health);
  request.NamedSubject.emplace().Key = request_.ServiceName;
  request.NamedSubject->PeerName = request_.PeerName;
  request.Token = request_.Token;
  request.Datacenter = request_.Datacenter;
  request.Index = index_;
  phase_ = index_ == 0 ? Phase::snapshot : Phase::resuming;
  for (const auto& [key, json] : std::exchange(incoming_, {})) bytes_ -= json->size() + kInstanceOverhead;
  return request;
}

Result<bool> ServiceInstances::take(std::string_view message) {
  grpc::Event event;
  if (Result<> parsed = grpc::schema().parse(message, event); !parsed) return parsed.error();
  return take(event);
}

Result<bool> ServiceInstances::take(const grpc::Event& event) {
  if (phase_ == Phase::resuming && event.NewSnapshotToFollow) {
    phase_ = Phase::snapshot;
    return false;
  }
  if (phase_ == Phase::snapshot && event.EndOfSnapshot) {
    for (const auto& [key, json] : shown_) bytes_ -= json->size() + kInstanceOverhead;
    shown_ = std::exchange(incoming_, {});
    phase_ = Phase::live;
  } else {
    if (phase_ == Phase::resuming) phase_ = Phase::live;
    if (event.EventBatch) {
      for (const grpc::Event& each : event.EventBatch->Events) {
        if (Result<> updated = update(each); !updated) return updated.error();
      }
    } else if (Result<> updated = update(event); !updated) {
      return updated.error();
    }
    if (phase_ == Phase::snapshot) return false;
  }
  index_ = event.Index;
  return true;
}

Result<> ServiceInstances::update(const grpc::Event& event) {
  if (!event.ServiceHealth || !event.ServiceHealth->CheckServiceNode) {
    return {Errc::internal, "unexpected event type for service health view"};
  }
  catalog::CheckServiceNode instance = *event.ServiceHealth->CheckServiceNode;
  Key key{instance.Node ? instance.Node->Node : std::string(), instance.Service ? instance.Service->ID : std::string()};
  if (event.ServiceHealth->Op != grpc::kRegister || !shows(instance)) {
    replace(std::move(key), nullptr);
    return {};
  }
  show_instance(agent_, request_.Datacenter, instance);
  // With the comma before it, so that a list is made of whole pieces.
  replace(std::move(key), std::make_shared<const std::string>(',' + base::to_json(instance)));
  if (bytes_ > most_bytes_) return {Errc::internal, "the service has too many instances to be followed"};
  return {};
}

void ServiceInstances::replace(Key key, std::shared_ptr<const std::string> json) {
  Instances& in = phase_ == Phase::snapshot ? incoming_ : shown_;
  if (const auto found = in.find(key); found != in.end()) {
    bytes_ -= found->second->size() + kInstanceOverhead;
    in.erase(found);
  }
  if (!json) return;
  bytes_ += json->size() + kInstanceOverhead;
  in.emplace(std::move(key), std::move(json));
}

/// Whether the request asks for it.
bool ServiceInstances::shows(const catalog::CheckServiceNode& instance) const {
  if (!instance.Node || !instance.Service) return false;
  const auto kind = static_cast<catalog::HealthFilter>(request_.HealthFilterType);
  const bool excluded = std::ranges::any_of(instance.Checks, [&](const auto& check) {
    if (!check || kind == catalog::HealthFilter::all) return false;
    if (kind == catalog::HealthFilter::only_passing) return check->Status != catalog::kHealthPassing;
    return check->Status == catalog::kHealthCritical;
  });
  if (excluded) return false;
  // Terminating gateways stand in for services whose instances are not here to be looked at.
  if (request_.Connect && instance.Service->Kind == catalog::kKindTerminatingGateway) return true;
  if (request_.TagFilter && !catalog::has_tags(instance.Service->Tags, request_.ServiceTags)) return false;
  if (!catalog::has_meta(instance.Node->Meta, meta_)) return false;
  return filter_.matches_everything() || filter_.matches(instance);
}

Body ServiceInstances::render() const {
  auto pieces = std::make_shared<std::vector<std::shared_ptr<const std::string>>>();
  pieces->reserve(shown_.size());
  Body body;
  body.append_borrowed("[");
  for (const auto& [key, json] : shown_) {
    body.append_borrowed(std::string_view(*json).substr(pieces->empty() ? 1 : 0));
    pieces->push_back(json);
  }
  body.append_borrowed("]");
  body.hold(std::move(pieces));
  return body;
}

}  // namespace proconsul::agent::http
