#include "agent/http/ui_endpoint.h"

#include <chrono>
#include <utility>

#include "agent/http/answers.h"
#include "agent/http/ask.h"
#include "agent/http/overview.h"
#include "agent/http/ui_types.h"
#include "agent/version.h"
#include "base/json.h"
#include "catalog/query/nodes.h"
#include "catalog/query/overview.h"

namespace proconsul::agent::http {

using base::Errc;
using base::Result;
using base::filter::Filter;

namespace {

constexpr const char* kConsulVersionKey = "consul-version";

// Nodes that agents registered before they told their version: members know it, by address. We are the only member.
void add_version(const Settings& settings, catalog::NodeInfo& info) {
  const bool ours = info.Address == settings.serf_lan_address || info.Address == settings.serf_wan_address;
  if (ours) info.Meta.try_emplace(kConsulVersionKey, kConsulVersion);
}

void show(const Settings& settings, catalog::NodeInfo& info) {
  add_version(settings, info);
  info.Services.make_present();
  info.Checks.make_present();
}

}  // namespace

Result<Answer> ui_nodes(const ReadContext& context) {
  Result<Filter> filter = Filter::create<catalog::NodeInfo>(context.request.options.filter);
  if (!filter) return filter.error();
  catalog::NodeDumpAnswer found = catalog::dump_nodes(context.view.tables(), {}, {}, context.watch);
  std::erase_if(found.dump, [&](const auto& info) { return !filter->matches(*info); });
  for (auto& info : found.dump) show(context.agent.settings, *info);
  found.dump.make_present();
  return Answer{.reply = json(base::to_json(found.dump)), .index = found.index};
}

Result<Answer> ui_node(const ReadContext& context) {
  const Result<std::string_view> node = path_part(context.request, "node name");
  if (!node) return Answer{.reply = failure(node.error()), .at_once = true, .bare = true};
  catalog::NodeDumpAnswer found =
      catalog::dump_nodes(context.view.tables(), *node, context.request.param("peer"), context.watch);
  if (found.dump.empty()) return Answer{.reply = {.status = 404, .type = {}}, .index = found.index};
  catalog::NodeInfo& info = *found.dump.front();
  show(context.agent.settings, info);
  return Answer{.reply = json(base::to_json(info)), .index = found.index};
}

Result<Answer> ui_services(const ReadContext& context) {
  Result<Filter> filter = Filter::create<catalog::CheckServiceNode>(context.request.options.filter);
  if (!filter) return filter.error();
  const catalog::Tables& tables = context.view.tables();
  const catalog::InstancesAnswer found = catalog::all_instances(tables, context.request.param("peer"), context.watch);
  std::vector<catalog::CheckServiceNode> instances;
  for (const catalog::InstanceRow* row : found.rows) {
    catalog::CheckServiceNode instance = catalog::check_service_node(tables, *row);
    if (filter->matches(instance)) instances.push_back(std::move(instance));
  }
  std::string body = "[";
  for (const ServiceListingSummary& summary : summarize(instances)) {
    if (body.size() > 1) body += ',';
    base::append_json(body, summary);
  }
  body += ']';
  return Answer{.reply = json(std::move(body)), .index = found.index};
}

// The same, asked of other servers.

Result<Question> ask_ui_nodes(const Context&, const Request& request) {
  return question(
      "Internal.NodeDump", query_of<rpc::DCSpecificRequest>(request),
      +[](const AskedContext& context, rpc::IndexedNodeDump& found) -> Result<Answer> {
        for (auto* dump : {&found.Dump, &found.ImportedDump})
          std::erase_if(*dump, [](const auto& info) { return !info; });
        for (auto& info : found.ImportedDump) found.Dump.push_back(std::move(info));
        for (auto& info : found.Dump) show(context.agent.settings, *info);
        found.Dump.make_present();
        return Answer{.reply = json(base::to_json(found.Dump))};
      });
}

Result<Question> ask_ui_node(const Context&, const Request& request) {
  const Result<std::string_view> node = path_part(request, "node name");
  if (!node) return node.error();
  auto query = query_of<rpc::NodeSpecificRequest>(request);
  query.Node = *node;
  query.PeerName = request.param("peer");
  return question(
      "Internal.NodeInfo", std::move(query),
      +[](const AskedContext& context, rpc::IndexedNodeDump& found) -> Result<Answer> {
        if (found.Dump.empty() || !found.Dump.front()) return Answer{.reply = {.status = 404, .type = {}}};
        show(context.agent.settings, *found.Dump.front());
        return Answer{.reply = json(base::to_json(*found.Dump.front()))};
      });
}

Result<Question> ask_ui_catalog_overview(const Context&, const Request& request) {
  return question(
      "Internal.CatalogOverview", query_of<rpc::DCSpecificRequest>(request),
      +[](const AskedContext&, catalog::CatalogSummary& found) -> Result<Answer> {
        return Answer{.reply = json(base::to_json(found))};
      });
}

Result<Reply> ui_catalog_overview(Context& agent, const Request&) {
  return json(agent.overview->json(std::chrono::steady_clock::now(), *agent.server));
}

}  // namespace proconsul::agent::http
