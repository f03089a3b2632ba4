#include "agent/http/ui_endpoint.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "agent/cluster/pools.h"
#include "agent/http/answers.h"
#include "agent/http/ask.h"
#include "agent/http/asking.h"
#include "agent/http/overview.h"
#include "agent/http/ui_types.h"
#include "agent/version.h"
#include "base/json.h"
#include "catalog/query/gateways.h"
#include "catalog/query/nodes.h"
#include "catalog/query/overview.h"
#include "gossip/ip_text.h"

namespace proconsul::agent::http {

using base::Errc;
using base::Result;
using base::filter::Filter;

namespace {

constexpr const char* kConsulVersionKey = "consul-version";

/// Of nodes that agents registered before they told their version: members know it, by address.
class MemberVersions {
 public:
  explicit MemberVersions(const Context& agent) : agent_(agent) {}
  void add_to(catalog::NodeInfo& info) {
    if (info.Meta.contains(kConsulVersionKey)) return;
    if (!std::exchange(known_, true)) look_up();
    if (const auto found = versions_.find(info.Address); found != versions_.end()) {
      info.Meta.emplace(kConsulVersionKey, found->second);
    }
  }

 private:
  void look_up() {
    for (const std::string& own : {agent_.settings.serf_lan_address, agent_.settings.serf_wan_address}) {
      versions_.emplace(own, kConsulVersion);
    }
    if (!agent_.pools) return;
    for (const bool wan : {true, false}) {
      if (wan && !agent_.pools->has_wan()) continue;
      for (const gossip::serf::MemberPtr& member : agent_.pools->members(wan)) {
        const auto build = member->Tags.find("build");
        if (build == member->Tags.end()) continue;
        versions_.insert_or_assign(gossip::ip_text(member->Addr), build->second.substr(0, build->second.find(':')));
      }
    }
  }
  const Context& agent_;
  bool known_ = false;
  std::map<std::string, std::string> versions_{};
};

void show(catalog::NodeInfo& info, MemberVersions& versions) {
  versions.add_to(info);
  info.Services.make_present();
  info.Checks.make_present();
}

Reply shown_services(const std::vector<catalog::CheckServiceNode>& instances,
                     const std::vector<const catalog::GatewayService*>& links) {
  std::vector<ServiceListingSummary> summaries = summarize(instances);
  add_links(summaries, links);
  std::string body = "[";
  for (const ServiceListingSummary& summary : summaries) {
    if (body.size() > 1) body += ',';
    base::append_json(body, summary);
  }
  return json(body + ']');
}

}  // namespace

Result<Answer> ui_nodes(const ReadContext& context) {
  Result<Filter> filter = Filter::create<catalog::NodeInfo>(context.request.options.filter);
  if (!filter) return filter.error();
  const Result<tokens::Who> who = asking(context);
  if (!who) return who.error();
  catalog::NodeDumpAnswer found = catalog::dump_nodes(context.view.tables(), {}, {}, context.watch);
  const bool filtered = tokens::keep_readable(*who, found.dump);
  std::erase_if(found.dump, [&](const auto& info) { return !filter->matches(*info); });
  MemberVersions versions(context.agent);
  for (auto& info : found.dump) show(*info, versions);
  found.dump.make_present();
  return Answer{.reply = json(base::to_json(found.dump)),
                .index = found.index,
                .filtered_by_acls = tokens::says_filtered(*who, filtered)};
}

Result<Answer> ui_node(const ReadContext& context) {
  const Result<std::string_view> node = path_part(context.request, "node name");
  if (!node) return Answer{.reply = failure(node.error()), .at_once = true, .bare = true};
  const Result<tokens::Who> who = asking(context);
  if (!who) return who.error();
  catalog::NodeDumpAnswer found =
      catalog::dump_nodes(context.view.tables(), *node, context.request.param("peer"), context.watch);
  const bool filtered = tokens::says_filtered(*who, tokens::keep_readable(*who, found.dump));
  if (found.dump.empty()) {
    return Answer{.reply = {.status = 404, .type = {}}, .index = found.index, .filtered_by_acls = filtered};
  }
  catalog::NodeInfo& info = *found.dump.front();
  MemberVersions versions(context.agent);
  show(info, versions);
  return Answer{.reply = json(base::to_json(info)), .index = found.index, .filtered_by_acls = filtered};
}

Result<Answer> ui_services(const ReadContext& context) {
  Result<Filter> filter = Filter::create<catalog::CheckServiceNode>(context.request.options.filter);
  if (!filter) return filter.error();
  const catalog::Tables& tables = context.view.tables();
  const Result<tokens::Who> who = asking(context);
  if (!who) return who.error();
  catalog::InstancesAnswer found = catalog::all_instances(tables, context.request.param("peer"), context.watch);
  bool filtered = tokens::keep_readable(*who, found.rows);
  catalog::GatewayServicesAnswer gateways;
  if (context.request.param("peer").empty()) {
    gateways = catalog::all_gateway_services(tables, context.watch);
    found.index = std::max(found.index, gateways.index);
    filtered |= tokens::keep_readable(*who, gateways.rows);
  }
  std::vector<catalog::CheckServiceNode> instances;
  for (const catalog::InstanceRow* row : found.rows) {
    catalog::CheckServiceNode instance = catalog::check_service_node(tables, *row);
    if (filter->matches(instance)) instances.push_back(std::move(instance));
  }
  return Answer{.reply = shown_services(instances, gateways.rows),
                .index = found.index,
                .filtered_by_acls = tokens::says_filtered(*who, filtered)};
}

// The same, asked of other servers.

Result<Question> ask_ui_nodes(const Context&, const Request& request) {
  return question(
      "Internal.NodeDump", query_of<rpc::DCSpecificRequest>(request),
      +[](const AskedContext& context, rpc::IndexedNodeDump& found) -> Result<Answer> {
        for (auto* dump : {&found.Dump, &found.ImportedDump})
          std::erase_if(*dump, [](const auto& info) { return !info; });
        for (auto& info : found.ImportedDump) found.Dump.push_back(std::move(info));
        MemberVersions versions(context.agent);
        for (auto& info : found.Dump) show(*info, versions);
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
        MemberVersions versions(context.agent);
        show(*found.Dump.front(), versions);
        return Answer{.reply = json(base::to_json(*found.Dump.front()))};
      });
}

Result<Question> ask_ui_services(const Context&, const Request& request) {
  auto query = query_of<rpc::ServiceDumpRequest>(request);
  query.PeerName = request.param("peer");
  return question(
      "Internal.ServiceDump", std::move(query),
      +[](const AskedContext&, rpc::IndexedNodesWithGateways& found) -> Result<Answer> {
        std::vector<catalog::CheckServiceNode> instances;
        for (auto* nodes : {&found.Nodes, &found.ImportedNodes}) {
          for (catalog::CheckServiceNode& instance : *nodes) {
            std::erase_if(instance.Checks, [](const auto& check) { return !check; });
            if (instance.Node && instance.Service) instances.push_back(std::move(instance));
          }
        }
        std::vector<const catalog::GatewayService*> links;
        for (const auto& link : found.Gateways) {
          if (link) links.push_back(link.get());
        }
        return Answer{.reply = shown_services(instances, links)};
      });
}

Result<Question> ask_ui_catalog_overview(const Context&, const Request& request) {
  return question(
      "Internal.CatalogOverview", query_of<rpc::DCSpecificRequest>(request),
      +[](const AskedContext&, catalog::CatalogSummary& found) -> Result<Answer> {
        return Answer{.reply = json(base::to_json(found))};
      });
}

Result<Reply> ui_catalog_overview(Context& agent, const Request& request) {
  const Result<tokens::Who> who = asking(agent, request);
  if (!who) return who.error();
  if (!(*who)->allows(acl::Resource::operator_, acl::Access::read)) {
    // Whoever asks: Consul names no token here.
    return tokens::denied({}, acl::Resource::operator_, std::nullopt, acl::Access::read);
  }
  return json(agent.overview->json(std::chrono::steady_clock::now(), *agent.server));
}

}  // namespace proconsul::agent::http
