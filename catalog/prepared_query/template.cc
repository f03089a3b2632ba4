#include "catalog/prepared_query/template.h"

#include <algorithm>

namespace proconsul::catalog {

using base::Errc;
using base::Error;
using base::Result;
namespace hil = base::hil;

namespace {

// Calls visit(path, text) for each text, in the order in which errors are looked for; stops at the first error.
template <class Service, class Visit>
Result<> each_text(Service& service, Visit visit) {
  Result<> status;
  const auto one = [&](const std::string& path, auto& text) {
    if (status) status = visit(path, text);
  };
  const auto list = [&](const std::string& path, auto& texts) {
    for (std::size_t i = 0; i < texts.size(); ++i) one(path + "[" + std::to_string(i) + "]", texts[i]);
  };
  const auto map = [&](const std::string& path, auto& texts) {
    for (auto& [key, text] : texts) one(path + "[" + key + "]", text);
  };
  one(".Service", service.Service);
  one(".SamenessGroup", service.SamenessGroup);
  list(".Failover.Datacenters", service.Failover.Datacenters);
  for (std::size_t i = 0; i < service.Failover.Targets.size(); ++i) {
    const std::string path = ".Failover.Targets[" + std::to_string(i) + "]";
    one(path + ".Peer", service.Failover.Targets[i].Peer);
    one(path + ".Datacenter", service.Failover.Targets[i].Datacenter);
  }
  list(".IgnoreCheckIDs", service.IgnoreCheckIDs);
  one(".Near", service.Near);
  list(".Tags", service.Tags);
  map(".NodeMeta", service.NodeMeta);
  map(".ServiceMeta", service.ServiceMeta);
  one(".Peer", service.Peer);
  return status;
}

Error failed(std::string_view what, const std::string& text, const std::string& path, const Error& cause) {
  return {Errc::internal, std::string(what) + " '" + text + "' in Service" + path + ": " + cause.detail};
}

}  // namespace

Result<std::shared_ptr<const QueryTemplate>> QueryTemplate::compile(const PreparedQuery& query) {
  if (query.Template.Type != kNamePrefixMatch) {
    return Error{Errc::internal, "Bad Template.Type '" + query.Template.Type + "'"};
  }
  auto compiled = std::make_shared<QueryTemplate>();
  const Result<> parsed = each_text(query.Service, [&](const std::string& path, const std::string& text) -> Result<> {
    Result<hil::Text> one = hil::Text::parse(text);
    if (!one) return failed("Bad format", text, path, one.error());
    compiled->texts_.push_back(std::move(*one));
    return {};
  });
  if (!parsed) return parsed.error();
  if (!query.Template.Regexp.empty()) {
    Result<base::Regex> regex = base::Regex::compile(query.Template.Regexp);
    if (!regex) return Error{Errc::internal, "Bad Regexp: " + regex.error().detail};
    compiled->regex_ = std::move(*regex);
  }
  // The shortest name that it will ever be rendered for. The outcome may make no sense, but there must be one.
  if (Result<PreparedQuery> trial = compiled->render(query, query.Name, {}); !trial) return trial.error();
  return std::shared_ptr<const QueryTemplate>(std::move(compiled));
}

Result<PreparedQuery> QueryTemplate::render(const PreparedQuery& query, std::string_view name,
                                            std::string_view segment) const {
  std::vector<std::string> groups;
  if (regex_) groups = regex_->groups(name);
  const std::string_view suffix = name.starts_with(query.Name) ? name.substr(query.Name.size()) : name;
  const hil::Scope scope{.variables = {{"name.full", name},
                                       {"name.prefix", query.Name},
                                       {"name.suffix", suffix},
                                       {"agent.segment", segment}},
                         .functions = {{.name = "match",
                                        .arguments = {hil::Type::integer},
                                        .result = hil::Type::string,
                                        .call = [&groups](std::span<const hil::Value> arguments) -> hil::Value {
                                          const std::int64_t i = std::get<std::int64_t>(arguments[0]);
                                          const bool there = i >= 0 && static_cast<std::uint64_t>(i) < groups.size();
                                          return there ? groups[static_cast<std::size_t>(i)] : std::string();
                                        }}}};
  PreparedQuery rendered = query;
  std::size_t next = 0;
  const Result<> done = each_text(rendered.Service, [&](const std::string& path, std::string& text) -> Result<> {
    Result<std::string> result = texts_[next++].evaluate(scope);
    if (!result) return failed("Bad evaluation for", text, path, result.error());
    text = std::move(*result);
    return {};
  });
  if (!done) return done.error();
  if (query.Template.RemoveEmptyTags) {
    std::erase(rendered.Service.Tags, std::string());
    rendered.Service.Tags.make_present();
  }
  return rendered;
}

}  // namespace proconsul::catalog
