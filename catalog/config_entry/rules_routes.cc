// http-route and tcp-route.
#include <set>
#include <tuple>

#include "base/quote.h"
#include "catalog/config_entry/rules.h"
#include "catalog/types/config_routes.h"

namespace proconsul::catalog::rules {

using base::quote;
using base::Result;

namespace {

Result<> check_parents(const base::List<ResourceReference>& parents) {
  std::set<std::tuple<std::string, std::string, std::string>> seen;
  for (const ResourceReference& parent : parents) {
    if (parent.Kind != kind::kApiGateway) {
      return wrong("unsupported parent kind: " + quote(parent.Kind) + ", must be 'api-gateway'");
    }
    if (!seen.emplace(parent.Kind, parent.Name, parent.SectionName).second) {
      return wrong("route parents must be unique");
    }
  }
  return {};
}

Result<> check_query(const HTTPQueryMatch& query, const std::string& where) {
  if (query.Name.empty()) return wrong(where + "missing required Name field");
  if (query.Match == "exact" || query.Match == "present" || query.Match == "regex") return {};
  return wrong(where + "match type should be one of present, exact, or regex");
}

Result<> check_header(const HTTPHeaderMatch& header, const std::string& where) {
  static const std::set<std::string_view> kTypes = {"exact", "prefix", "regex", "suffix", "present"};
  if (header.Name.empty()) return wrong(where + "missing required Name field");
  if (kTypes.contains(header.Match)) return {};
  return wrong(where + "match type should be one of present, exact, prefix, suffix, or regex");
}

Result<> check_match(const HTTPMatch& match, const std::string& where) {
  if (!match.Method.empty() && !is_http_method(match.Method)) {
    return wrong(where + "Method contains an invalid method " + quote(match.Method));
  }
  for (std::size_t i = 0; i < match.Query.size(); ++i) {
    const std::string at = where + indexed("Query", i) + ", ";
    if (Result<> checked = check_query(match.Query[i], at); !checked) return checked;
  }
  for (std::size_t i = 0; i < match.Headers.size(); ++i) {
    const std::string at = where + indexed("Headers", i) + ", ";
    if (Result<> checked = check_header(match.Headers[i], at); !checked) return checked;
  }
  const HTTPPathMatch& path = match.Path;
  if (path.Match == "regex") return {};
  if (path.Match != "exact" && path.Match != "prefix") {
    return wrong(where + "Path, match type should be one of exact, prefix, or regex");
  }
  if (path.Value.starts_with('/')) return {};
  return wrong(where + "Path, " + path.Match + " type match doesn't start with '/': " + quote(path.Value));
}

}  // namespace

Result<> check(const HTTPRouteConfigEntry& entry) {
  for (const std::string& host : entry.Hostnames) {
    if (!is_domain_name(host)) return wrong("host " + quote(host) + " must be a valid DNS hostname");
    if (host.find('*') != std::string::npos) return wrong("host " + quote(host) + " must not be a wildcard");
  }
  if (Result<> checked = check_parents(entry.Parents); !checked) return checked;
  if (Result<> checked = check_meta(entry.Meta); !checked) return checked;
  for (std::size_t i = 0; i < entry.Rules.size(); ++i) {
    const base::List<HTTPMatch>& matches = entry.Rules[i].Matches;
    for (std::size_t j = 0; j < matches.size(); ++j) {
      const std::string where = indexed("Rule", i) + ", " + indexed("Match", j) + ", ";
      if (Result<> checked = check_match(matches[j], where); !checked) return checked;
    }
  }
  return {};
}

Result<> check(const TCPRouteConfigEntry& entry) {
  if (entry.Services.size() > 1) return wrong("tcp-route currently only supports one service");
  if (Result<> checked = check_parents(entry.Parents); !checked) return checked;
  return check_meta(entry.Meta);
}

}  // namespace proconsul::catalog::rules
