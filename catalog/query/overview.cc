#include "catalog/query/overview.h"

#include <map>
#include <utility>

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(HealthSummary, "structs.HealthSummary") {
  type.field("Name", &HealthSummary::Name).omit_empty();
  type.field("Total", &HealthSummary::Total);
  type.field("Passing", &HealthSummary::Passing);
  type.field("Warning", &HealthSummary::Warning);
  type.field("Critical", &HealthSummary::Critical);
}

PROCONSUL_DESCRIBE_TYPE(CatalogSummary, "structs.CatalogSummary") {
  type.field("Nodes", &CatalogSummary::Nodes);
  type.field("Services", &CatalogSummary::Services);
  type.field("Checks", &CatalogSummary::Checks);
}

namespace {

enum class Status : std::uint8_t { passing, warning, critical, other };

Status status_of(std::string_view text) {
  if (text == kHealthPassing) return Status::passing;
  if (text == kHealthWarning) return Status::warning;
  return text == kHealthCritical ? Status::critical : Status::other;
}

// What is none of the three does not make its owner worse.
Status worse(Status worst, Status status) {
  return status == Status::other ? worst : std::max(worst, status);
}

void count(HealthSummary& summary, Status status) {
  ++summary.Total;
  if (status == Status::passing) ++summary.Passing;
  if (status == Status::warning) ++summary.Warning;
  if (status == Status::critical) ++summary.Critical;
}

using Summaries = std::map<std::string, HealthSummary>;

base::List<HealthSummary> listed(Summaries summaries) {
  base::List<HealthSummary> list;
  for (auto& [name, summary] : summaries) {
    summary.Name = name;
    list.push_back(std::move(summary));
  }
  return list;
}

}  // namespace

CatalogSummary catalog_overview(const Tables& tables) {
  std::map<std::string, Status> nodes;
  std::map<std::pair<std::string, std::string>, Status> instances;
  Summaries checks, services, all_nodes;
  for (const auto [key, row] : tables.checks.all()) {
    const HealthCheck check = row->get();
    const Status status = status_of(check.Status);
    count(checks[check.Name], status);
    Status& worst = check.ServiceID.empty() ? nodes.try_emplace(check.Node).first->second
                                            : instances.try_emplace({check.Node, check.ServiceID}).first->second;
    worst = worse(worst, status);
  }
  for (const auto [key, row] : tables.services.all()) {
    const StoredService service = row->get();
    const auto found = instances.find({service.Node, service.ID});
    count(services[service.Service], found == instances.end() ? Status::passing : found->second);
  }
  for (const auto [key, row] : tables.nodes.all()) {
    const auto found = nodes.find(row->get().Node);
    count(all_nodes[""], found == nodes.end() ? Status::passing : found->second);
  }
  return {listed(std::move(all_nodes)), listed(std::move(services)), listed(std::move(checks))};
}

}  // namespace proconsul::catalog
