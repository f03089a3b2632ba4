#include "agent/http/health_endpoint.h"

#include <utility>

#include "agent/http/answers.h"
#include "agent/http/metrics.h"
#include "base/strconv.h"
#include "catalog/query/checks.h"

namespace proconsul::agent::http {
namespace {

using base::Errc;
using base::Result;
using base::filter::Filter;

Result<Answer> checks_answer(const ReadContext& context, catalog::ChecksAnswer found, const Filter& filter) {
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
  return Answer{.reply = json(std::move(body)), .index = found.index};
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

enum class Which : std::uint8_t { service, connect, ingress };

Result<Answer> instances(const ReadContext& context, Which which) {
  const Request& request = context.request;
  const std::string_view peer = request.param("peer");
  if (!peer.empty() && (!request.param("sg").empty() || !request.param("sameness-group").empty())) {
    return {Errc::invalid_argument, "peer-name and sameness-group are mutually exclusive"};
  }
  const Result<std::string_view> service = path_part(request, "service name");
  if (!service) return service.error();
  if (!request.param("sg").empty() || !request.param("sameness-group").empty()) {
    return {Errc::internal, "sameness groups are not supported in consul CE"};
  }
  const Result<bool> passing = passing_only(request);
  if (!passing) return passing.error();
  Result<Filter> filter = Filter::create<catalog::CheckServiceNode>(request.options.filter);
  if (!filter) return filter.error();

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
  if (const catalog::MetaFilter meta = meta_filter(request); !meta.empty()) {
    std::erase_if(found.rows, [&](const auto* row) { return !catalog::node_has_meta(tables, *row, meta); });
  }
  if (!filter->matches_everything()) {
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
  ListBody body(context.view);
  std::string scratch;
  for (const catalog::InstanceRow* row : found.rows) {
    scratch.clear();
    const std::string_view json = catalog::health_json(tables, *row, scratch);
    json.data() == scratch.data() ? body.add_copy(json) : body.add(json);
  }
  return Answer{.reply = json(body.take()), .index = found.index};
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

}  // namespace proconsul::agent::http
