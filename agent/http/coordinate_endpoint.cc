#include "agent/http/coordinate_endpoint.h"

#include <utility>

#include "agent/http/answers.h"
#include "agent/http/ask.h"
#include "agent/http/asking.h"
#include "agent/http/changes.h"
#include "catalog/registry/coordinates.h"

namespace proconsul::agent::http {
namespace {

using base::Errc;
using base::Result;

Result<> enabled(const Context& agent) {
  if (!agent.settings.disable_coordinates) return {};
  return {Errc::unauthorized, "Coordinate support disabled"};
}

Result<Answer> rows(const ReadContext& context, catalog::CoordinatesAnswer found, std::size_t& count) {
  const Result<tokens::Who> who = asking(context);
  if (!who) return who.error();
  const bool filtered = tokens::keep_readable(*who, found);
  const bool by_segment = context.request.has_param("segment");
  std::string body = "[";
  count = 0;
  for (const auto* row : found.rows) {
    if (by_segment && row->Segment != context.request.param("segment")) continue;
    if (count++ > 0) body += ',';
    base::append_json<catalog::Coordinate>(body, *row);
  }
  body += ']';
  return Answer{
      .reply = json(std::move(body)), .index = found.index, .filtered_by_acls = tokens::says_filtered(*who, filtered)};
}

Answer show_rows(const AskedContext& context, rpc::IndexedCoordinates& found) {
  std::erase_if(found.Coordinates, [&](const auto& row) {
    return !row || (context.request.has_param("segment") && row->Segment != context.request.param("segment"));
  });
  found.Coordinates.make_present();
  return {.reply = json(base::to_json(found.Coordinates))};
}

}  // namespace

void coordinate_datacenters(Context& agent, const Request&, Responder responder) {
  if (Result<> on = enabled(agent); !on) return responder.send(Result<Reply>(on.error()));
  ask<rpc::Nothing, base::List<catalog::DatacenterMap>>(
      agent, "Coordinate.ListDatacenters", {},
      [responder = std::move(responder)](Result<base::List<catalog::DatacenterMap>> maps) mutable {
        if (!maps) return responder.send(Result<Reply>(maps.error()));
        maps->make_present();
        for (catalog::DatacenterMap& map : *maps) map.Coordinates.make_present();
        responder.send(json(base::to_json(*maps)));
      });
}

Result<Answer> coordinate_nodes(const ReadContext& context) {
  if (Result<> on = enabled(context.agent); !on) return on.error();
  std::size_t count = 0;
  return rows(context, catalog::list_coordinates(context.view.tables(), context.watch), count);
}

Result<Answer> coordinate_node(const ReadContext& context) {
  if (Result<> on = enabled(context.agent); !on) return on.error();
  std::size_t count = 0;
  const Result<tokens::Who> who = asking(context);
  if (!who) return who.error();
  if (Result<> allowed = tokens::require(*who, acl::Resource::node, context.request.rest, acl::Access::read);
      !allowed) {
    return allowed.error();
  }
  Result<Answer> answer =
      rows(context, catalog::coordinates_of_node(context.view.tables(), context.request.rest, context.watch), count);
  if (answer && count == 0) answer->reply = {.status = 404, .type = {}};
  return answer;
}

Result<Question> ask_coordinate_nodes(const Context& agent, const Request& request) {
  if (Result<> on = enabled(agent); !on) return on.error();
  return question(
      "Coordinate.ListNodes", query_of<rpc::DCSpecificRequest>(request),
      +[](const AskedContext& context, rpc::IndexedCoordinates& found) -> Result<Answer> {
        return show_rows(context, found);
      });
}

Result<Question> ask_coordinate_node(const Context& agent, const Request& request) {
  if (Result<> on = enabled(agent); !on) return on.error();
  auto query = query_of<rpc::NodeSpecificRequest>(request);
  query.Node = request.rest;
  return question(
      "Coordinate.Node", std::move(query),
      +[](const AskedContext& context, rpc::IndexedCoordinates& found) -> Result<Answer> {
        Answer answer = show_rows(context, found);
        if (found.Coordinates.empty()) answer.reply = {.status = 404, .type = {}};
        return answer;
      });
}

void coordinate_update(Context& agent, const Request& request, Responder responder) {
  if (Result<> on = enabled(agent); !on) return responder.send(Result<Reply>(on.error()));
  catalog::CoordinateUpdateRequest change{};
  if (Result<> read = decode_body(request, change); !read) return responder.send(Result<Reply>(read.error()));
  if (std::string token = token_of(request); !token.empty()) change.Token = std::move(token);
  change.Datacenter = std::string(named_datacenter(agent, request, change.Datacenter));
  if (!change.Coord) {
    return responder.send(Result<Reply>(Errc::invalid_argument, "Request decode failed: Coord is missing"));
  }
  update_coordinate(agent, std::move(change), [responder = std::move(responder)](Result<> done) mutable {
    responder.send(done ? Result<Reply>(empty()) : Result<Reply>(done.error()));
  });
}

}  // namespace proconsul::agent::http
