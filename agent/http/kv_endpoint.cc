#include "agent/http/kv_endpoint.h"

#include <limits>
#include <utility>

#include "agent/http/answers.h"
#include "agent/http/ask.h"
#include "agent/http/asking.h"
#include "agent/http/changes.h"
#include "base/json.h"
#include "base/quote.h"
#include "base/strconv.h"
#include "catalog/store/kv.h"

namespace proconsul::agent::http {
namespace {

using base::Errc;
using base::Result;

Reply not_found() {
  return {.status = 404, .type = {}};
}

bool is_paged(const Request& request) {
  return request.has_param("limit") || request.has_param("after");
}

/// How many keys or entries a page has at most.
Result<std::size_t> page_limit(const Request& request) {
  if (!request.has_param("limit")) return std::numeric_limits<std::size_t>::max();
  const Result<std::uint64_t> limit = base::parse_uint(request.param("limit"));
  if (limit && *limit > 0) return *limit;
  return {Errc::invalid_argument, "Invalid limit " + base::quote(request.param("limit")) + ": must be at least 1"};
}

/// Who asks, if he may list keys at all (acl.enable_key_list_policy); which of them is decided key by key.
Result<tokens::Who> may_list(const ReadContext& context, std::string_view prefix) {
  Result<tokens::Who> who = asking(context);
  if (!who || !context.agent.settings.key_list_policy) return who;
  if (Result<> allowed = tokens::require(*who, acl::Resource::key, prefix, acl::Access::list); !allowed) {
    return allowed.error();
  }
  return who;
}

/// One page of keys or entries. Where the next begins is in a header, escaped as `?after=` takes it.
Result<Answer> page_answer(const ReadContext& context, std::string_view prefix, std::string_view separator,
                           bool only_keys) {
  const Request& request = context.request;
  const Result<std::size_t> limit = page_limit(request);
  if (!limit) return limit.error();
  const catalog::KvPageQuery query{
      .prefix = prefix, .separator = separator, .after = request.param("after"), .limit = *limit};
  const Result<tokens::Who> who = may_list(context, prefix);
  if (!who) return who.error();
  catalog::KvPage page = catalog::kv_page(context.view.tables(), query, context.watch);
  const std::string next = page.more ? std::string(page.entries.back().key) : std::string();
  const bool filtered = tokens::keep_readable(*who, page);
  Answer answer{.index = page.index, .filtered_by_acls = tokens::says_filtered(*who, filtered)};
  if (page.entries.empty() && query.after.empty() && !(only_keys && prefix.empty())) {
    answer.reply = not_found();
    return answer;
  }
  std::string body = "[";
  for (const auto& [key, row] : page.entries) {
    if (body.size() > 1) body += ',';
    only_keys ? base::append_json_string(body, key) : base::append_json(body, row->entry(key));
  }
  body += ']';
  answer.reply = json(std::move(body));
  if (page.more) answer.reply.header("X-Proconsul-Next-After", query_escape(next));
  return answer;
}

std::string_view separator_of(const Request& request) {
  // "seperator" is how the parameter was once misspelled; the right spelling wins.
  return request.param(request.has_param("separator") ? "separator" : "seperator");
}

Result<Answer> keys_answer(const ReadContext& context, std::string_view prefix) {
  const Result<tokens::Who> who = may_list(context, prefix);
  if (!who) return who.error();
  const std::string_view separator = separator_of(context.request);
  catalog::KvListAnswer list = catalog::kv_list(context.view.tables(), prefix, context.watch);
  const bool filtered = tokens::keep_readable(*who, list);
  const std::vector<std::string_view> keys = catalog::kv_keys(list, prefix, separator);
  Answer answer{.index = list.index, .filtered_by_acls = tokens::says_filtered(*who, filtered)};
  if (keys.empty() && !prefix.empty()) {
    answer.reply = not_found();
    return answer;
  }
  std::string body = "[";
  for (const std::string_view key : keys) {
    if (body.size() > 1) body += ',';
    base::append_json_string(body, key);
  }
  body += ']';
  answer.reply = json(std::move(body));
  return answer;
}

Result<Answer> list_answer(const ReadContext& context, std::string_view prefix) {
  const Result<tokens::Who> who = may_list(context, prefix);
  if (!who) return who.error();
  catalog::KvListAnswer list = catalog::kv_list(context.view.tables(), prefix, context.watch);
  const bool filtered = tokens::keep_readable(*who, list);
  Answer answer{.index = list.index, .filtered_by_acls = tokens::says_filtered(*who, filtered)};
  if (list.entries.empty()) {
    answer.reply = not_found();
    return answer;
  }
  std::string body = "[";
  for (const auto& [key, row] : list.entries) {
    if (body.size() > 1) body += ',';
    base::append_json(body, row->entry(key));
  }
  body += ']';
  answer.reply = json(std::move(body));
  return answer;
}

/// The value as it is, with headers that keep a browser from running it.
Reply raw(std::string_view value) {
  Reply reply{.type = "text/plain", .body = value};
  reply.header("Content-Security-Policy", "sandbox");
  return reply;
}

/// 400 if more than one of these parameters is there.
Result<> refuse_together(const Request& request, std::initializer_list<std::string_view> names) {
  int found = 0;
  for (const std::string_view name : names) found += request.has_param(name);
  if (found < 2) return {};
  return {Errc::invalid_argument, "Conflicting flags: " + request.encoded_params() + "\n"};
}

/// A number in a parameter; its error is Consul's 500.
Result<std::uint64_t> number(const Request& request, std::string_view name) {
  Result<std::uint64_t> value = base::parse_uint(request.param(name));
  if (!value) return {Errc::internal, value.error().detail};
  return value;
}

void apply(Context& agent, catalog::KVSRequest change, Responder responder) {
  change_key(agent, std::move(change), [responder = std::move(responder)](Result<bool> applied) mutable {
    responder.send(applied ? Result<Reply>(json(*applied ? "true" : "false")) : Result<Reply>(applied.error()));
  });
}

Result<catalog::KVSRequest> decode_put(const Request& request) {
  catalog::KVSRequest change{};
  if (request.rest.empty()) return {Errc::invalid_argument, "Missing key name"};
  if (Result<> clear = refuse_together(request, {"cas", "acquire", "release"}); !clear) return clear.error();
  change.Token = request.options.token;
  change.Datacenter = request.options.datacenter;
  change.Op = "set";
  change.DirEnt.Key = request.rest;
  if (request.has_param("flags")) {
    const Result<std::uint64_t> flags = number(request, "flags");
    if (!flags) return flags.error();
    change.DirEnt.Flags = *flags;
  }
  if (request.has_param("cas")) {
    const Result<std::uint64_t> index = number(request, "cas");
    if (!index) return index.error();
    change.DirEnt.ModifyIndex = *index;
    change.Op = "cas";
  }
  if (request.has_param("acquire")) {
    change.DirEnt.Session = request.param("acquire");
    change.Op = "lock";
  }
  if (request.has_param("release")) {
    change.DirEnt.Session = request.param("release");
    change.Op = "unlock";
  }
  // An empty body is stored as no value at all, as Go's buffer has it.
  change.DirEnt.Value = base::Bytes(std::string(request.body));
  change.DirEnt.Value.present = !request.body.empty();
  return change;
}

Result<catalog::KVSRequest> decode_delete(const Request& request) {
  catalog::KVSRequest change{};
  if (Result<> clear = refuse_together(request, {"recurse", "cas"}); !clear) return clear.error();
  change.Token = request.options.token;
  change.Datacenter = request.options.datacenter;
  change.Op = "delete";
  change.DirEnt.Key = request.rest;
  if (request.has_param("recurse")) {
    change.Op = "delete-tree";
  } else if (request.rest.empty()) {
    return {Errc::invalid_argument, "Missing key name"};
  }
  if (request.has_param("cas")) {
    const Result<std::uint64_t> index = number(request, "cas");
    if (!index) return index.error();
    change.DirEnt.ModifyIndex = *index;
    change.Op = "delete-cas";
  }
  return change;
}

}  // namespace

Result<Answer> kv_get(const ReadContext& context) {
  const Request& request = context.request;
  const std::string_view key = request.rest;
  const bool keys = request.has_param("keys");
  if (is_paged(request) && (keys || request.has_param("recurse"))) {
    return page_answer(context, key, keys ? separator_of(request) : std::string_view(), keys);
  }
  if (keys) return keys_answer(context, key);
  if (request.has_param("recurse")) return list_answer(context, key);
  if (key.empty()) return {Errc::invalid_argument, "Missing key name"};
  const Result<tokens::Who> who = asking(context);
  if (!who) return who.error();
  if (Result<> allowed = tokens::require(*who, acl::Resource::key, key, acl::Access::read); !allowed) {
    return allowed.error();
  }

  const catalog::KvGetAnswer found = catalog::kv_get(context.view.tables(), key, context.watch);
  Answer answer{.index = found.index, .absent = found.row == nullptr};
  if (found.row == nullptr) {
    answer.reply = not_found();
  } else if (request.has_param("raw")) {
    answer.reply = raw(found.row->value());
  } else {
    std::string body = "[";
    base::append_json(body, found.row->entry(key));
    body += ']';
    answer.reply = json(std::move(body));
  }
  return answer;
}

namespace {

/// What is empty then is the rest of a listing, not the listing.
bool is_later_page(const Request& request) {
  return is_paged(request) && !request.param("after").empty();
}

/// The part of a whole answer that is the page.
template <class T, class KeyOf>
void keep_page(const Request& request, base::List<T>& rows, KeyOf key_of, Reply& reply) {
  const std::string_view after = request.param("after");
  if (!after.empty()) std::erase_if(rows, [&](const T& row) { return key_of(row) <= after; });
  const Result<std::size_t> limit = page_limit(request);
  if (!limit || rows.size() <= *limit) return;
  rows.resize(*limit);
  reply.header("X-Proconsul-Next-After", query_escape(key_of(rows.back())));
}

Result<Answer> show_keys(const AskedContext& context, rpc::IndexedKeyList& found) {
  const Request& request = context.request;
  if (found.Keys.empty() && !request.rest.empty() && !is_later_page(request)) return Answer{.reply = not_found()};
  found.Keys.make_present();
  Answer answer{.reply = json({})};
  if (is_paged(request)) {
    keep_page(request, found.Keys, [](const std::string& key) -> std::string_view { return key; }, answer.reply);
  }
  answer.reply.body = base::to_json(found.Keys);
  return answer;
}

Result<Answer> show_entries(const AskedContext& context, rpc::IndexedDirEntries& found) {
  const Request& request = context.request;
  std::erase_if(found.Entries, [](const auto& entry) { return !entry; });
  if (found.Entries.empty() && !is_later_page(request)) return Answer{.reply = not_found()};
  found.Entries.make_present();
  Answer answer{.reply = json({})};
  if (is_paged(request)) {
    keep_page(request, found.Entries, [](const auto& entry) -> std::string_view { return entry->Key; }, answer.reply);
  }
  answer.reply.body = base::to_json(found.Entries);
  return answer;
}

Result<Answer> show_entry(const AskedContext& context, rpc::IndexedDirEntries& found) {
  if (found.Entries.empty() || !found.Entries.front()) return Answer{.reply = not_found()};
  if (context.request.has_param("raw")) return Answer{.reply = raw(found.Entries.front()->Value)};
  return Answer{.reply = json(base::to_json(found.Entries))};
}

}  // namespace

Result<Question> ask_kv_get(const Context&, const Request& request) {
  const bool keys = request.has_param("keys");
  const bool all = request.has_param("recurse");
  if (is_paged(request) && (keys || all)) {
    if (const Result<std::size_t> limit = page_limit(request); !limit) return limit.error();
  }
  if (keys) {
    auto query = query_of<rpc::KeyListRequest>(request);
    query.Prefix = request.rest;
    query.Seperator = separator_of(request);
    return question("KVS.ListKeys", std::move(query), &show_keys);
  }
  if (!all && request.rest.empty()) return base::Error{Errc::invalid_argument, "Missing key name"};
  auto query = query_of<rpc::KeyRequest>(request);
  query.Key = request.rest;
  return question(all ? "KVS.List" : "KVS.Get", std::move(query), all ? &show_entries : &show_entry);
}

void kv_put(Context& agent, const Request& request, Responder responder) {
  Result<catalog::KVSRequest> change = decode_put(request);
  if (!change) return responder.send(change.error());
  apply(agent, std::move(*change), std::move(responder));
}

void kv_delete(Context& agent, const Request& request, Responder responder) {
  Result<catalog::KVSRequest> change = decode_delete(request);
  if (!change) return responder.send(change.error());
  apply(agent, std::move(*change), std::move(responder));
}

}  // namespace proconsul::agent::http
