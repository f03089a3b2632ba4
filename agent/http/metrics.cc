#include "agent/http/metrics.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace proconsul::agent::http {
namespace {

namespace metrics = base::metrics;

constexpr const char* kKinds[] = {"catalog.service.", "catalog.connect.", "health.service.", "health.connect.",
                                  "health.ingress."};
// Names come from requests, and metrics stay: what is asked beyond this is not counted by name.
constexpr std::size_t kMostNames = 2048;

struct Hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

struct ServiceCounters {
  metrics::Counter queries;
  std::optional<metrics::Counter> not_found{};
  std::unordered_map<std::string, metrics::Counter, Hash, std::equal_to<>> by_tags{};  // key: sorted, joined
};

metrics::Counter counter_of(ServiceQuery kind, const char* what, metrics::Labels labels, const char* help) {
  return metrics::counter(std::string(kKinds[static_cast<std::size_t>(kind)]) + what, std::move(labels), help);
}

using ByName = std::unordered_map<std::string, ServiceCounters, Hash, std::equal_to<>>;

ServiceCounters* counters_of(ByName& names, ServiceQuery kind, std::string_view service) {
  if (const auto known = names.find(service); known != names.end()) return &known->second;
  if (names.size() == kMostNames) return nullptr;
  ServiceCounters fresh{counter_of(kind, "query", {{"service", std::string(service)}}, "Look-ups of the service.")};
  return &names.emplace(std::string(service), std::move(fresh)).first->second;
}

void count_tags(ServiceCounters& counters, ServiceQuery kind, std::string_view service,
                std::span<const std::string> tags) {
  std::vector<std::string_view> sorted(tags.begin(), tags.end());
  std::sort(sorted.begin(), sorted.end());
  std::string key;
  for (const std::string_view tag : sorted) key.append(tag).append(1, '\0');
  auto known = counters.by_tags.find(key);
  if (known == counters.by_tags.end()) {
    if (counters.by_tags.size() == kMostNames) return;
    metrics::Labels labels{{"service", std::string(service)}};
    for (const std::string_view tag : sorted) labels.emplace_back("tag", std::string(tag));
    known = counters.by_tags
                .emplace(std::move(key),
                         counter_of(kind, "query-tags", std::move(labels), "Look-ups of the service by these tags."))
                .first;
  }
  known->second.add();
}

}  // namespace

const RequestMetrics& request_metrics() {
  static const RequestMetrics kMetrics;
  return kMetrics;
}

EndpointMetrics::EndpointMetrics(std::string_view name, const std::string& node)
    : asked_(metrics::counter("client.api." + std::string(name), {{"node", node}}, "Requests of this kind.")),
      answered_(metrics::counter("client.api.success." + std::string(name), {{"node", node}},
                                 "Requests of this kind that were answered.")),
      failed_(metrics::counter("client.rpc.error." + std::string(name), {{"node", node}},
                               "Requests of this kind that the servers failed to answer.")) {}

void EndpointMetrics::count(int status) const {
  asked_.add();
  if (status < 300) {
    answered_.add();
  } else if (status >= 500 || status == 403) {
    failed_.add();  // other refusals are made before a server is asked
  }
}

void count_service_query(ServiceQuery kind, std::string_view service, std::span<const std::string> tags, bool found) {
  thread_local ByName names[std::size(kKinds)];
  ServiceCounters* counters = counters_of(names[static_cast<std::size_t>(kind)], kind, service);
  if (!counters) return;
  counters->queries.add();
  if (!tags.empty()) count_tags(*counters, kind, service, tags);
  if (found) return;
  if (!counters->not_found) {
    counters->not_found = counter_of(kind, "not-found", {{"service", std::string(service)}},
                                     "Look-ups of the service that found no instance.");
  }
  counters->not_found->add();
}

}  // namespace proconsul::agent::http
