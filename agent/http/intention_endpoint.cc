#include "agent/http/intention_endpoint.h"

#include <optional>
#include <utility>
#include <vector>

#include "agent/http/answers.h"
#include "agent/http/ask.h"
#include "agent/http/asking.h"
#include "agent/rpc/intention_queries.h"
#include "agent/rpc/intention_types.h"
#include "base/json.h"
#include "base/quote.h"
#include "catalog/store/key.h"
#include "catalog/types/intention.h"

namespace proconsul::agent::http {

using base::Errc;
using base::Error;
using base::Result;
using base::filter::Filter;

PROCONSUL_DESCRIBE_TYPE(IntentionCreated, "agent.intentionCreateResponse") {
  type.field("ID", &IntentionCreated::ID);
}

namespace {

Error failed(std::string text) {
  return {Errc::internal, std::move(text)};
}

/// A service as a parameter names it: "web", "default/web", "default/default/web"; a source also "peer:east/web".
struct Named {
  std::string peer{};
  std::string partition{};
  std::string name_space{};
  std::string name{};
};

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts{std::string()};
  for (const char c : text) c == '/' ? void(parts.emplace_back()) : parts.back().push_back(c);
  return parts;
}

Result<Named> parse_named(std::string_view text, bool may_be_peer) {
  constexpr std::string_view kPeer = "peer:";
  const bool of_peer = text.starts_with(kPeer);
  if (of_peer && !may_be_peer) return failed("cannot specify a peer here");
  std::vector<std::string> parts = split(text);
  if (parts.size() > 3) return failed("input can contain at most two '/'");
  Named named;
  named.name = std::move(parts.back());
  parts.pop_back();
  if (of_peer) {
    if (parts.empty()) return failed("need to specify the service name as well");
    named.peer = parts.front().substr(kPeer.size());
    parts.erase(parts.begin());
  }
  if (!parts.empty()) named.name_space = std::move(parts.back());
  if (parts.size() > 1) named.partition = std::move(parts.front());
  return named;
}

/// The service that a parameter, which must be there once, names.
Result<Named> named_by(const Request& request, const std::string& param, bool may_be_peer) {
  const std::vector<std::string_view> values = request.params(param);
  if (values.size() != 1) return failed("required query parameter '" + param + "' not set");
  Result<Named> named = parse_named(values.front(), may_be_peer);
  if (!named) return failed(param + " " + base::quote(values.front()) + " is invalid: " + named.error().detail);
  return named;
}

Question refused(const Error& error) {
  Question question;
  question.refused = failure(error);
  return question;
}

// ---- reads ----

/// What is wrong with the parameters of a match is no query yet, and shows no headers of one.
Result<rpc::IntentionQueryRequest> match_of(const Request& request) {
  const std::vector<std::string_view> by = request.params("by");
  if (by.size() != 1) return failed("required query parameter 'by' not set");
  if (by.front() != "source" && by.front() != "destination") {
    return failed("'by' parameter must be one of 'source' or 'destination'");
  }
  const std::vector<std::string_view> names = request.params("name");
  if (names.empty()) return failed("required query parameter 'name' not set");
  auto query = query_of<rpc::IntentionQueryRequest>(request);
  rpc::IntentionQueryMatch& match = query.Match.emplace();
  match.Type = by.front();
  for (const std::string_view name : names) {
    Result<Named> named = parse_named(name, false);
    if (!named) return failed("name " + base::quote(name) + " is invalid: " + named.error().detail);
    rpc::IntentionMatchEntry& entry = match.Entries.emplace_back();
    entry.Partition = std::move(named->partition);
    entry.Namespace = std::move(named->name_space);
    entry.Name = std::move(named->name);
  }
  return query;
}

Result<Reply> shown_matches(const Request& request, rpc::IndexedIntentionMatches& found) {
  const std::vector<std::string_view> names = request.params("name");
  if (found.Matches.size() != names.size()) {
    return failed("internal error: match response count didn't match input count");
  }
  base::Map<catalog::Intentions> shown;
  for (std::size_t i = 0; i < names.size(); ++i) {
    shown.insert_or_assign(std::string(names[i]), std::move(found.Matches[i]));
  }
  return json(base::to_json(shown));
}

Result<> connect_on(const Context& agent) {
  if (agent.settings.connect_enabled) return {};
  return failed(std::string(rpc::kNoConnect));
}

/// The texts are all that comes back of the reasons.
Error judge_get(Error error) {
  const auto says = [&](std::string_view text) { return error.detail.find(text) != std::string::npos; };
  if (says("Intention not found")) error.code = Errc::not_found;
  if (says("UUID")) error.code = Errc::invalid_argument;
  return error;
}

Result<Question> question_get(rpc::IntentionQueryRequest query) {
  Result<Question> question = http::question(
      "Intention.Get", std::move(query), +[](const AskedContext&, rpc::IndexedIntentions& found) {
        if (found.Intentions.empty()) return Result<Answer>(Answer{.reply = {.status = 404, .type = {}}, .bare = true});
        return Result<Answer>(Answer{.reply = json(base::to_json(found.Intentions.front())), .bare = true});
      });
  if (question) question->judge = &judge_get;
  return question;
}

// ---- changes ----

catalog::IntentionChange change_of(const Context& agent, const Request& request, const char* op) {
  catalog::IntentionChange change;
  change.Op = op;
  change.Datacenter = named_datacenter(agent, request);
  change.Token = token_of(request);
  return change;
}

Result<> decode(const Request& request, catalog::Intention& intention) {
  return base::read_json(request.body, intention, {.input = base::JsonInput::first, .reject_unknown = true});
}

void apply(Context& agent, catalog::IntentionChange change, Responder responder, Reply (*show)(std::string id)) {
  ask<catalog::IntentionChange, std::string>(
      agent, "Intention.Apply", std::move(change),
      [responder = std::move(responder), show](Result<std::string> id) mutable {
        responder.send(id ? Result<Reply>(show(std::move(*id))) : Result<Reply>(id.error()));
      });
}

Reply shown_id(std::string id) {
  return json(base::to_json(IntentionCreated{std::move(id)}));
}
Reply shown_true(std::string) {
  return json("true");
}

/// Both sides of a change, whose names must not be empty.
struct Sides {
  Named source{}, destination{};
};
Result<Sides> sides_of(const Request& request) {
  for (const char* param : {"source", "destination"}) {
    const std::vector<std::string_view> values = request.params(param);
    if (values.size() == 1 && !values.front().empty()) continue;
    return failed("required query parameter '" + std::string(param) + "' not set");
  }
  Result<Named> source = named_by(request, "source", false);
  if (!source) return source.error();
  Result<Named> destination = named_by(request, "destination", false);
  if (!destination) return destination.error();
  return Sides{std::move(*source), std::move(*destination)};
}

void set_sides(catalog::Intention& intention, Sides sides) {
  intention.SourceNS = std::move(sides.source.name_space);
  intention.SourceName = std::move(sides.source.name);
  intention.DestinationNS = std::move(sides.destination.name_space);
  intention.DestinationName = std::move(sides.destination.name);
  intention.SourcePartition.clear();
  intention.DestinationPartition.clear();
}

Result<> check_partitions(const catalog::Intention& intention) {
  const auto is_other = [](const std::string& partition) { return !partition.empty() && partition != "default"; };
  if (is_other(intention.DestinationPartition)) {
    return {Errc::invalid_argument, "Cannot specify a destination partition with this endpoint"};
  }
  if (is_other(intention.SourcePartition)) {
    return {Errc::invalid_argument, "Cannot specify a source partition with this endpoint"};
  }
  return {};
}

Result<> check_namespace(const std::string& name, const std::string& field) {
  if (name.empty() || catalog::lower_case(name) == "default") return {};
  return {Errc::invalid_argument, "Invalid " + field + "(" + name + "): Namespaces is a Consul Enterprise feature"};
}

}  // namespace

Result<Answer> intention_list(const ReadContext& context) {
  if (Result<> on = connect_on(context.agent); !on) return on.error();
  Result<Filter> filter = Filter::create<catalog::Intention>(context.request.options.filter);
  if (!filter) return filter.error();
  const Result<tokens::Who> who = asking(context);
  if (!who) return who.error();
  rpc::IndexedIntentions found;
  const Result<rpc::Found> listed = rpc::list_intentions(*who, context.view, context.watch, {}, found);
  if (!listed) return listed.error();
  std::erase_if(found.Intentions, [&](const auto& one) { return !filter->matches(*one); });
  return Answer{.reply = json(base::to_json(found.Intentions)),
                .index = found.Index,
                .filtered_by_acls = found.ResultsFilteredByACLs};
}

Result<Answer> intention_match(const ReadContext& context) {
  const Result<rpc::IntentionQueryRequest> query = match_of(context.request);
  if (!query) return Answer{.reply = failure(query.error()), .at_once = true, .bare = true};
  if (Result<> on = connect_on(context.agent); !on) return on.error();
  const Result<tokens::Who> who = asking(context);
  if (!who) return who.error();
  rpc::IndexedIntentionMatches found;
  const Result<rpc::Found> some = rpc::match_intentions(*who, context.view, context.watch, *query, found);
  if (!some) return some.error();
  const std::uint64_t index = found.Index;
  Result<Reply> reply = shown_matches(context.request, found);
  if (!reply) return reply.error();
  return Answer{.reply = std::move(*reply), .index = index, .absent = *some == rpc::Found::no, .settles = true};
}

Result<Question> ask_intention_list(const Context&, const Request& request) {
  return question(
      "Intention.List", query_of<rpc::IntentionListRequest>(request),
      +[](const AskedContext&, rpc::IndexedIntentions& found) -> Result<Answer> {
        found.Intentions.make_present();
        return Answer{.reply = json(base::to_json(found.Intentions))};
      });
}

Result<Question> ask_intention_match(const Context&, const Request& request) {
  Result<rpc::IntentionQueryRequest> query = match_of(request);
  if (!query) return refused(query.error());
  return question(
      "Intention.Match", std::move(*query),
      +[](const AskedContext& context, rpc::IndexedIntentionMatches& found) -> Result<Answer> {
        Result<Reply> reply = shown_matches(context.request, found);
        if (!reply) return reply.error();
        return Answer{.reply = std::move(*reply)};
      });
}

Result<Question> ask_intention_check(const Context&, const Request& request) {
  auto query = query_of<rpc::IntentionQueryRequest>(request);
  rpc::IntentionQueryCheck& check = query.Check.emplace();
  check.SourceType = request.has_param("source-type") ? request.param("source-type") : "consul";
  // Both are missed before either is looked at.
  for (const char* param : {"source", "destination"}) {
    if (request.params(param).size() == 1) continue;
    return refused(failed("required query parameter '" + std::string(param) + "' not set"));
  }
  check.SourceName = request.param("source");
  if (check.SourceType == "consul") {
    Result<Named> source = named_by(request, "source", false);
    if (!source) return refused(source.error());
    check.SourcePartition = std::move(source->partition);
    check.SourceNS = std::move(source->name_space);
    check.SourceName = std::move(source->name);
  }
  Result<Named> destination = named_by(request, "destination", false);
  if (!destination) return refused(destination.error());
  check.DestinationPartition = std::move(destination->partition);
  check.DestinationNS = std::move(destination->name_space);
  check.DestinationName = std::move(destination->name);
  return question(
      "Intention.Check", std::move(query),
      +[](const AskedContext&, rpc::IntentionQueryCheckResponse& found) -> Result<Answer> {
        return Answer{.reply = json(base::to_json(found)), .bare = true};
      });
}

Result<Question> ask_intention_exact(const Context&, const Request& request) {
  for (const char* param : {"source", "destination"}) {
    if (request.params(param).size() == 1) continue;
    return refused(failed("required query parameter '" + std::string(param) + "' not set"));
  }
  Result<Named> source = named_by(request, "source", true);
  if (!source) return refused(source.error());
  Result<Named> destination = named_by(request, "destination", false);
  if (!destination) return refused(destination.error());
  auto query = query_of<rpc::IntentionQueryRequest>(request);
  rpc::IntentionQueryExact& exact = query.Exact.emplace();
  exact.SourcePeer = std::move(source->peer);
  exact.SourcePartition = std::move(source->partition);
  exact.SourceNS = std::move(source->name_space);
  exact.SourceName = std::move(source->name);
  exact.DestinationPartition = std::move(destination->partition);
  exact.DestinationNS = std::move(destination->name_space);
  exact.DestinationName = std::move(destination->name);
  return question_get(std::move(query));
}

Result<Question> ask_intention(const Context&, const Request& request) {
  auto query = query_of<rpc::IntentionQueryRequest>(request);
  query.IntentionID = request.rest;
  return question_get(std::move(query));
}

void intention_put_exact(Context& agent, const Request& request, Responder responder) {
  Result<Sides> sides = sides_of(request);
  if (!sides) return responder.send(sides.error());
  catalog::IntentionChange change = change_of(agent, request, "upsert");
  catalog::Intention& intention = change.Intention.emplace();
  if (Result<> read = decode(request, intention); !read) {
    return responder.send(Error{Errc::invalid_argument, "Request decode failed: " + read.error().detail});
  }
  intention.ID.clear();
  set_sides(intention, std::move(*sides));  // whatever the body says
  apply(agent, std::move(change), std::move(responder), &shown_true);
}

void intention_delete_exact(Context& agent, const Request& request, Responder responder) {
  Result<Sides> sides = sides_of(request);
  if (!sides) return responder.send(sides.error());
  catalog::IntentionChange change = change_of(agent, request, "delete");
  set_sides(change.Intention.emplace(), std::move(*sides));
  apply(agent, std::move(change), std::move(responder), &shown_true);
}

void intention_create(Context& agent, const Request& request, Responder responder) {
  catalog::IntentionChange change = change_of(agent, request, "create");
  catalog::Intention& intention = change.Intention.emplace();
  if (Result<> read = decode(request, intention); !read) {
    return responder.send(failed("Failed to decode request body: " + read.error().detail));
  }
  Result<> valid = check_partitions(intention);
  if (valid) valid = check_namespace(intention.SourceNS, "SourceNS");
  if (valid) valid = check_namespace(intention.DestinationNS, "DestinationNS");
  if (!valid) return responder.send(valid.error());
  apply(agent, std::move(change), std::move(responder), &shown_id);
}

void intention_update(Context& agent, const Request& request, Responder responder) {
  catalog::IntentionChange change = change_of(agent, request, "update");
  catalog::Intention& intention = change.Intention.emplace();
  if (Result<> read = decode(request, intention); !read) {
    return responder.send(Error{Errc::invalid_argument, "Request decode failed: " + read.error().detail});
  }
  if (Result<> valid = check_partitions(intention); !valid) return responder.send(valid.error());
  intention.ID = request.rest;
  apply(agent, std::move(change), std::move(responder), &shown_id);
}

void intention_delete(Context& agent, const Request& request, Responder responder) {
  catalog::IntentionChange change = change_of(agent, request, "delete");
  change.Intention.emplace().ID = request.rest;
  apply(agent, std::move(change), std::move(responder), &shown_true);
}

}  // namespace proconsul::agent::http
