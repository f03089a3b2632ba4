#include "agent/http/catalog_endpoint.h"

#include <utility>

#include "agent/http/answers.h"
#include "agent/http/ask.h"
#include "agent/http/asking.h"
#include "agent/http/changes.h"
#include "agent/http/encode.h"
#include "agent/http/instances_answer.h"
#include "agent/http/metrics.h"
#include "catalog/config_entry/resolve.h"
#include "catalog/query/merged.h"
#include "catalog/query/nodes.h"

namespace proconsul::agent::http {
namespace {

using base::Errc;
using base::Result;
using base::filter::Filter;

Result<Answer> service_instances(const ReadContext& context, bool connect) {
  const Request& request = context.request;
  const Result<std::string_view> service = path_part(request, "service name");
  if (!service) return service.error();
  Result<Filter> filter = Filter::create<catalog::ServiceNode>(request.options.filter);
  if (!filter) return filter.error();

  const Result<tokens::Who> who = asking(context);
  if (!who) return who.error();
  if (connect && !(*who)->allows(acl::Resource::service, *service, acl::Access::read)) {
    Answer nothing{.reply = json("[]"), .bare = true};
    nothing.reply.header("X-Consul-Effective-Consistency", context.request.options.consistency());
    nothing.reply.headers += kNothingKnown;
    return nothing;
  }

  const catalog::Tables& tables = context.view.tables();
  std::vector<std::string> tags;
  for (const std::string_view tag : request.params("tag")) tags.emplace_back(tag);
  const catalog::InstancesQuery query{.service = *service,
                                      .peer = request.param("peer"),
                                      .connect = connect,
                                      .tags = request.has_param("tag") ? &tags : nullptr};
  catalog::InstancesAnswer found = catalog::catalog_instances(tables, query, context.watch);
  const bool filtered = tokens::keep_readable(*who, found.rows);
  if (const catalog::MetaFilter meta = meta_filter(request); !meta.empty()) {
    std::erase_if(found.rows, [&](const auto* row) { return !catalog::node_has_meta(tables, *row, meta); });
  }
  const bool merges = request.has_param("merge-central-config");
  catalog::MergedServiceNodes merged;
  if (merges) {
    auto all = catalog::merge_service_nodes(tables, found.rows, found.index, context.watch);
    if (!all) return {base::Errc::internal, all.error().detail};
    merged = std::move(*all);
    std::erase_if(found.rows, [&](const auto* row) { return !filter->matches(merged.at(row)); });
  } else if (!filter->matches_everything()) {
    std::erase_if(found.rows, [&](const auto* row) { return !filter->matches(catalog::service_node(tables, *row)); });
  }
  sort_near(context, found.rows, [](const auto* row) { return row->service().get().Node; });
  count_service_query(connect ? ServiceQuery::catalog_connect : ServiceQuery::catalog_service, *service, tags,
                      !found.rows.empty());
  Answer answer = instances_answer(context, found, merges ? &merged : nullptr,
                                   [&](const catalog::InstanceRow& row, std::string& scratch) {
                                     return catalog::catalog_json(tables, row, scratch);
                                   });
  answer.filtered_by_acls = tokens::says_filtered(*who, filtered);
  return answer;
}

server::Done when_true(Responder responder) {
  return [responder = std::move(responder)](Result<> done) mutable {
    responder.send(done ? Result<Reply>(json("true")) : Result<Reply>(done.error()));
  };
}

}  // namespace

void catalog_register(Context& agent, const Request& request, Responder responder) {
  catalog::RegisterRequest change{};
  if (Result<> read = decode_body(request, change); !read) return responder.send(Result<Reply>(read.error()));
  if (change.Datacenter.empty()) change.Datacenter = agent.settings.datacenter;
  if (std::string token = token_of(request); !token.empty()) change.Token = std::move(token);
  register_in_catalog(agent, std::move(change), when_true(std::move(responder)));
}

void catalog_deregister(Context& agent, const Request& request, Responder responder) {
  catalog::DeregisterRequest change{};
  if (Result<> read = decode_body(request, change); !read) return responder.send(Result<Reply>(read.error()));
  if (change.Datacenter.empty()) change.Datacenter = agent.settings.datacenter;
  if (std::string token = token_of(request); !token.empty()) change.Token = std::move(token);
  deregister_from_catalog(agent, std::move(change), when_true(std::move(responder)));
}

void catalog_datacenters(Context& agent, const Request&, Responder responder) {
  ask<rpc::DatacentersRequest, base::List<std::string>>(
      agent, "Catalog.ListDatacenters", {},
      [responder = std::move(responder)](Result<base::List<std::string>> names) mutable {
        responder.send(names ? Result<Reply>(json(base::to_json(*names))) : Result<Reply>(names.error()));
      });
}

Result<Answer> catalog_nodes(const ReadContext& context) {
  Result<Filter> filter = Filter::create<catalog::Node>(context.request.options.filter);
  if (!filter) return filter.error();
  const Result<tokens::Who> who = asking(context);
  if (!who) return who.error();
  catalog::NodesAnswer found =
      catalog::list_nodes(context.view.tables(), meta_filter(context.request), {}, context.watch);
  const bool filtered = tokens::keep_readable(*who, found.rows);
  if (!filter->matches_everything()) {
    std::erase_if(found.rows, [&](const auto* row) { return !filter->matches(row->get()); });
  }
  sort_near(context, found.rows, [](const auto* row) { return row->get().Node; });
  std::string body = "[";
  for (const catalog::NodeRow* row : found.rows) {
    if (body.size() > 1) body += ',';
    base::append_json(body, row->get());
  }
  body += ']';
  return Answer{
      .reply = json(std::move(body)), .index = found.index, .filtered_by_acls = tokens::says_filtered(*who, filtered)};
}

Result<Answer> catalog_services(const ReadContext& context) {
  Result<Filter> filter = Filter::create<catalog::ServiceNode>(context.request.options.filter);
  if (!filter) return filter.error();
  const catalog::Tables& tables = context.view.tables();
  const Result<tokens::Who> who = asking(context);
  if (!who) return who.error();
  const catalog::MetaFilter meta = meta_filter(context.request);
  catalog::ServiceTagsAnswer found;
  bool filtered = false;
  if (filter->matches_everything() && (*who)->allows_everything()) {
    found = catalog::list_services(tables, meta, {}, context.watch);
  } else {
    catalog::InstancesAnswer instances = catalog::listed_instances(tables, meta, {}, context.watch);
    filtered = tokens::keep_readable(*who, instances.rows);
    std::vector<catalog::ServiceNode> kept;
    for (const catalog::InstanceRow* row : instances.rows) {
      catalog::ServiceNode instance = catalog::service_node(tables, *row);
      if (filter->matches(instance)) kept.push_back(std::move(instance));
    }
    found = {.index = instances.index, .services = catalog::tags_by_name(kept)};
  }
  found.services.make_present();
  return Answer{.reply = json(base::to_json(found.services)),
                .index = found.index,
                .filtered_by_acls = tokens::says_filtered(*who, filtered)};
}

Result<Answer> catalog_service(const ReadContext& context) {
  return service_instances(context, false);
}

Result<Answer> catalog_connect(const ReadContext& context) {
  return service_instances(context, true);
}

Result<Answer> catalog_node(const ReadContext& context) {
  const Result<std::string_view> name = path_part(context.request, "node name");
  if (!name) return name.error();
  Result<Filter> filter = Filter::create<catalog::NodeService>(context.request.options.filter);
  if (!filter) return filter.error();
  const Result<tokens::Who> who = asking(context);
  if (!who) return who.error();
  catalog::NodeServicesAnswer found = catalog::services_of_node(context.view.tables(), *name, {}, context.watch);
  const bool filtered = tokens::keep_readable(*who, found);
  Answer answer{.index = found.index, .filtered_by_acls = tokens::says_filtered(*who, filtered)};
  if (found.node == nullptr) {
    answer.reply = json("null");
    return answer;
  }
  catalog::NodeServices shown{};
  shown.Node.emplace() = found.node->get();
  shown.Services.make_present();
  for (const catalog::ServiceRow* row : found.services) {
    catalog::NodeService service = row->get();
    if (!filter->matches(service)) continue;
    catalog::show_lists(service);
    std::string id = service.ID;
    shown.Services.emplace(std::move(id), std::move(service));
  }
  answer.reply = json(base::to_json(shown));
  return answer;
}

Result<Answer> catalog_node_services(const ReadContext& context) {
  const Result<std::string_view> name = path_part(context.request, "node name");
  if (!name) return name.error();
  Result<Filter> filter = Filter::create<catalog::NodeService>(context.request.options.filter);
  if (!filter) return filter.error();
  const Result<tokens::Who> who = asking(context);
  if (!who) return who.error();
  catalog::NodeServicesAnswer found = catalog::services_of_node(context.view.tables(), *name, {}, context.watch);
  const bool filtered = tokens::keep_readable(*who, found);
  const bool merges = context.request.has_param("merge-central-config");
  catalog::NodeServiceList shown{};
  // What filters makes a list, even if an empty one.
  if (!filter->matches_everything()) shown.Services.make_present();
  if (found.node != nullptr) {
    if (filtered) shown.Services.make_present();
    shown.Node.emplace() = found.node->get();
    for (const catalog::ServiceRow* row : found.services) {
      catalog::NodeService service = row->get();
      if (merges) {
        Result<> merged = catalog::add_central_config(context.view.tables(), service, found.index, context.watch);
        if (!merged) return {base::Errc::internal, merged.error().detail};
      }
      if (!filter->matches(service)) continue;
      catalog::show_lists(service);
      shown.Services.emplace_back(std::move(service));
    }
  }
  return Answer{.reply = json(base::to_json(shown)),
                .index = found.index,
                .settles = merges,
                .filtered_by_acls = tokens::says_filtered(*who, filtered)};
}

// The same, asked of other servers.

namespace {

Result<Question> ask_instances(const Context& agent, const Request& request, bool connect) {
  const Result<std::string_view> service = path_part(request, "service name");
  if (!service) return service.error();
  auto query = query_of<rpc::ServiceSpecificRequest>(request);
  query.ServiceName = *service;
  query.PeerName = request.param("peer");
  query.Connect = connect;
  query.NodeMetaFilters = meta_filters(request);
  query.Source = source_of(agent, request);
  query.TagFilter = request.has_param("tag");
  for (const std::string_view tag : request.params("tag")) query.ServiceTags.emplace_back(tag);
  query.MergeCentralConfig = request.has_param("merge-central-config");
  return question(
      "Catalog.ServiceNodes", std::move(query),
      +[](const AskedContext& context, rpc::IndexedServiceNodes& found) -> Result<Answer> {
        found.ServiceNodes.make_present();
        for (auto& instance : found.ServiceNodes) {
          if (!instance) continue;
          translate(context.agent, context.request.options.datacenter, *instance);
          catalog::show_lists(*instance);
        }
        return Answer{.reply = json(base::to_json(found.ServiceNodes))};
      });
}

void show_service(const AskedContext& context, base::Pointer<catalog::NodeService>& service) {
  if (!service) return;
  translate(context.agent, context.request.options.datacenter, *service);
  catalog::show_lists(*service);
}

Result<rpc::NodeSpecificRequest> node_query(const Request& request) {
  const Result<std::string_view> name = path_part(request, "node name");
  if (!name) return name.error();
  auto query = query_of<rpc::NodeSpecificRequest>(request);
  query.Node = *name;
  return query;
}

}  // namespace

Result<Question> ask_catalog_nodes(const Context& agent, const Request& request) {
  auto query = query_of<rpc::DCSpecificRequest>(request);
  query.NodeMetaFilters = meta_filters(request);
  query.Source = source_of(agent, request);
  return question(
      "Catalog.ListNodes", std::move(query),
      +[](const AskedContext& context, rpc::IndexedNodes& found) -> Result<Answer> {
        found.Nodes.make_present();
        for (auto& node : found.Nodes) {
          if (node) translate(context.agent, context.request.options.datacenter, *node);
        }
        return Answer{.reply = json(base::to_json(found.Nodes))};
      });
}

Result<Question> ask_catalog_services(const Context&, const Request& request) {
  auto query = query_of<rpc::DCSpecificRequest>(request);
  query.NodeMetaFilters = meta_filters(request);
  return question(
      "Catalog.ListServices", std::move(query),
      +[](const AskedContext&, rpc::IndexedServices& found) -> Result<Answer> {
        found.Services.make_present();
        return Answer{.reply = json(base::to_json(found.Services))};
      });
}

Result<Question> ask_catalog_service(const Context& agent, const Request& request) {
  return ask_instances(agent, request, false);
}

Result<Question> ask_catalog_connect(const Context& agent, const Request& request) {
  return ask_instances(agent, request, true);
}

Result<Question> ask_catalog_node(const Context&, const Request& request) {
  Result<rpc::NodeSpecificRequest> query = node_query(request);
  if (!query) return query.error();
  return question(
      "Catalog.NodeServices", std::move(*query),
      +[](const AskedContext& context, rpc::IndexedNodeServices& found) -> Result<Answer> {
        if (!found.NodeServices) return Answer{.reply = json("null")};
        if (found.NodeServices->Node) {
          translate(context.agent, context.request.options.datacenter, *found.NodeServices->Node);
        }
        found.NodeServices->Services.make_present();
        for (auto& [id, service] : found.NodeServices->Services) show_service(context, service);
        return Answer{.reply = json(base::to_json(*found.NodeServices))};
      });
}

Result<Question> ask_catalog_node_services(const Context&, const Request& request) {
  Result<rpc::NodeSpecificRequest> query = node_query(request);
  if (!query) return query.error();
  query->MergeCentralConfig = request.has_param("merge-central-config");
  return question(
      "Catalog.NodeServiceList", std::move(*query),
      +[](const AskedContext& context, rpc::IndexedNodeServiceList& found) -> Result<Answer> {
        if (found.NodeServices.Node) {
          translate(context.agent, context.request.options.datacenter, *found.NodeServices.Node);
        }
        for (auto& service : found.NodeServices.Services) show_service(context, service);
        return Answer{.reply = json(base::to_json(found.NodeServices))};
      });
}

}  // namespace proconsul::agent::http
