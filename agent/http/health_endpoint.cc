#include "agent/http/health_endpoint.h"

#include <utility>

#include "agent/http/answers.h"
#include "agent/http/ask.h"
#include "agent/http/asking.h"
#include "agent/http/instances_answer.h"
#include "agent/http/metrics.h"
#include "base/strconv.h"
#include "catalog/query/checks.h"
#include "catalog/query/merged.h"

namespace proconsul::agent::http {
namespace {

using base::Errc;
using base::Result;
using base::filter::Filter;

Result<Answer> checks_answer(const ReadContext& context, catalog::ChecksAnswer found, const Filter& filter) {
  const Result<tokens::Who> who = asking(context);
  if (!who) return who.error();
  const bool filtered = tokens::keep_readable(*who, found.rows);
  if (!filter.matches_everything()) {
    std::erase_if(found.rows, [&](const auto* row) { return !filter.matches(row->get()); });
  }
  sort_near(context, found.rows, [](const auto* row) { return row->get().Node; });
  std::string body = "[";
  for (const catalog::CheckRow* row : found.rows) {
    if (body.size() > 1) body += ',';
    catalog::HealthCheck check = row->get();
    catalog::show_lists(check);
    base::append_json(body, check);
  }
  body += ']';
  return Answer{
      .reply = json(std::move(body)), .index = found.index, .filtered_by_acls = tokens::says_filtered(*who, filtered)};
}

/// `?passing` alone means true.
Result<bool> passing_only(const Request& request) {
  if (!request.has_param("passing")) return false;
  const std::string_view value = request.param("passing");
  if (value.empty()) return true;
  const Result<bool> passing = base::parse_bool(value);
  if (!passing) return {Errc::invalid_argument, "Invalid value for ?passing"};
  return *passing;
}

Result<std::string_view> service_name(const Request& request) {
  const bool by_group = !request.param("sg").empty() || !request.param("sameness-group").empty();
  if (by_group && !request.param("peer").empty()) {
    return {Errc::invalid_argument, "peer-name and sameness-group are mutually exclusive"};
  }
  Result<std::string_view> service = path_part(request, "service name");
  if (service && by_group) return {Errc::internal, "sameness groups are not supported in consul CE"};
  return service;
}

enum class Which : std::uint8_t { service, connect, ingress };

Result<Answer> instances(const ReadContext& context, Which which) {
  const Request& request = context.request;
  const std::string_view peer = request.param("peer");
  const Result<std::string_view> service = service_name(request);
  if (!service) return service.error();
  const Result<bool> passing = passing_only(request);
  if (!passing) return passing.error();
  Result<Filter> filter = Filter::create<catalog::CheckServiceNode>(request.options.filter);
  if (!filter) return filter.error();

  const Result<tokens::Who> who = asking(context);
  if (!who) return who.error();
  // Where a service is reached is told to nobody who may not read it, rather than that it is nowhere.
  if (which != Which::service && !(*who)->allows(acl::Resource::service, *service, acl::Access::read)) {
    return {Errc::permission_denied, "Permission denied"};
  }

  const catalog::Tables& tables = context.view.tables();
  std::vector<std::string> tags;
  for (const std::string_view tag : request.params("tag")) tags.emplace_back(tag);
  const bool by_tag = request.has_param("tag");
  catalog::InstancesAnswer found;
  if (which == Which::ingress && !by_tag) {
    found = catalog::health_ingress(tables, *service, context.watch);
  } else {
    found = catalog::health_instances(
        tables,
        {.service = *service, .peer = peer, .connect = which == Which::connect, .tags = by_tag ? &tags : nullptr},
        context.watch);
  }
  const bool filtered = tokens::keep_readable(*who, found.rows);
  if (const catalog::MetaFilter meta = meta_filter(request); !meta.empty()) {
    std::erase_if(found.rows, [&](const auto* row) { return !catalog::node_has_meta(tables, *row, meta); });
  }
  const bool merges = request.has_param("merge-central-config");
  catalog::MergedInstances merged;
  if (merges) {
    Result<catalog::MergedInstances> all = catalog::merge_instances(tables, found.rows, found.index, context.watch);
    if (!all) return {Errc::internal, all.error().detail};
    merged = std::move(*all);
    std::erase_if(found.rows, [&](const auto* row) { return !filter->matches(merged.at(row)); });
  } else if (!filter->matches_everything()) {
    const catalog::Parts parts{
        .node = filter->looks_at("Node"), .service = filter->looks_at("Service"), .checks = filter->looks_at("Checks")};
    std::erase_if(found.rows,
                  [&](const auto* row) { return !filter->matches(catalog::check_service_node(tables, *row, parts)); });
  }
  constexpr ServiceQuery kCounted[] = {ServiceQuery::health_service, ServiceQuery::health_connect,
                                       ServiceQuery::health_ingress};
  count_service_query(kCounted[static_cast<std::size_t>(which)], *service, tags, !found.rows.empty());
  if (*passing) catalog::filter_by_health(tables, found.rows, catalog::HealthFilter::only_passing);
  sort_near(context, found.rows, [](const auto* row) { return row->service().get().Node; });
  Answer answer = instances_answer(context, found, merges ? &merged : nullptr,
                                   [&](const catalog::InstanceRow& row, std::string& scratch) {
                                     return catalog::health_json(tables, row, scratch);
                                   });
  answer.filtered_by_acls = tokens::says_filtered(*who, filtered);
  return answer;
}

}  // namespace

Result<Answer> health_node(const ReadContext& context) {
  const Result<std::string_view> node = path_part(context.request, "node name");
  if (!node) return node.error();
  Result<Filter> filter = Filter::create<catalog::HealthCheck>(context.request.options.filter);
  if (!filter) return filter.error();
  return checks_answer(context, catalog::checks_of_node(context.view.tables(), *node, {}, context.watch), *filter);
}

Result<Answer> health_checks(const ReadContext& context) {
  const Result<std::string_view> service = path_part(context.request, "service name");
  if (!service) return service.error();
  Result<Filter> filter = Filter::create<catalog::HealthCheck>(context.request.options.filter);
  if (!filter) return filter.error();
  return checks_answer(
      context,
      catalog::checks_of_service(context.view.tables(), *service, meta_filter(context.request), {}, context.watch),
      *filter);
}

Result<Answer> health_state(const ReadContext& context) {
  const Result<std::string_view> state = path_part(context.request, "check state");
  if (!state) return state.error();
  Result<Filter> filter = Filter::create<catalog::HealthCheck>(context.request.options.filter);
  if (!filter) return filter.error();
  return checks_answer(
      context, catalog::checks_in_state(context.view.tables(), *state, meta_filter(context.request), {}, context.watch),
      *filter);
}

Result<Answer> health_service(const ReadContext& context) {
  return instances(context, Which::service);
}

Result<Answer> health_connect(const ReadContext& context) {
  return instances(context, Which::connect);
}

Result<Answer> health_ingress(const ReadContext& context) {
  return instances(context, Which::ingress);
}

// The same, asked of other servers.

namespace {

Result<Answer> show_checks(const AskedContext&, rpc::IndexedHealthChecks& found) {
  found.HealthChecks.make_present();
  for (auto& check : found.HealthChecks) {
    if (check) catalog::show_lists(*check);
  }
  return Answer{.reply = json(base::to_json(found.HealthChecks))};
}

Result<Answer> show_instances(const AskedContext& context, rpc::IndexedCheckServiceNodes& found) {
  const std::string& datacenter = context.request.options.datacenter;
  found.Nodes.make_present();
  for (catalog::CheckServiceNode& instance : found.Nodes) show_instance(context.agent, datacenter, instance);
  return Answer{.reply = json(base::to_json(found.Nodes))};
}

Result<Question> ask_instances(const Context& agent, const Request& request, Which which) {
  const Result<std::string_view> service = service_name(request);
  if (!service) return service.error();
  const Result<bool> passing = passing_only(request);
  if (!passing) return passing.error();
  auto query = query_of<rpc::ServiceSpecificRequest>(request);
  query.ServiceName = *service;
  query.PeerName = request.param("peer");
  query.NodeMetaFilters = meta_filters(request);
  query.Source = source_of(agent, request);
  query.TagFilter = request.has_param("tag");
  for (const std::string_view tag : request.params("tag")) query.ServiceTags.emplace_back(tag);
  query.Connect = which == Which::connect;
  query.Ingress = which == Which::ingress;
  query.MergeCentralConfig = request.has_param("merge-central-config");
  query.HealthFilterType =
      static_cast<std::int32_t>(*passing ? catalog::HealthFilter::only_passing : catalog::HealthFilter::all);
  return question("Health.ServiceNodes", std::move(query), &show_instances);
}

}  // namespace

void show_instance(const Context& agent, std::string_view datacenter, catalog::CheckServiceNode& instance) {
  std::erase_if(instance.Checks, [](const auto& check) { return !check; });
  catalog::show_lists(instance);
  if (instance.Node) translate(agent, datacenter, *instance.Node);
  if (instance.Service) translate(agent, datacenter, *instance.Service);
}

Result<Question> ask_health_node(const Context&, const Request& request) {
  const Result<std::string_view> node = path_part(request, "node name");
  if (!node) return node.error();
  auto query = query_of<rpc::NodeSpecificRequest>(request);
  query.Node = *node;
  return question("Health.NodeChecks", std::move(query), &show_checks);
}

Result<Question> ask_health_checks(const Context& agent, const Request& request) {
  const Result<std::string_view> service = path_part(request, "service name");
  if (!service) return service.error();
  auto query = query_of<rpc::ServiceSpecificRequest>(request);
  query.ServiceName = *service;
  query.NodeMetaFilters = meta_filters(request);
  query.Source = source_of(agent, request);
  return question("Health.ServiceChecks", std::move(query), &show_checks);
}

Result<Question> ask_health_state(const Context& agent, const Request& request) {
  const Result<std::string_view> state = path_part(request, "check state");
  if (!state) return state.error();
  auto query = query_of<rpc::ChecksInStateRequest>(request);
  query.State = *state;
  query.NodeMetaFilters = meta_filters(request);
  query.Source = source_of(agent, request);
  return question("Health.ChecksInState", std::move(query), &show_checks);
}

Result<Question> ask_health_service(const Context& agent, const Request& request) {
  return ask_instances(agent, request, Which::service);
}

Result<Question> ask_health_connect(const Context& agent, const Request& request) {
  return ask_instances(agent, request, Which::connect);
}

Result<Question> ask_health_ingress(const Context& agent, const Request& request) {
  return ask_instances(agent, request, Which::ingress);
}

}  // namespace proconsul::agent::http
