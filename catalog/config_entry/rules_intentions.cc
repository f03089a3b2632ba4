// service-intentions.
#include <set>
#include <utility>

#include "base/quote.h"
#include "catalog/config_entry/rules.h"
#include "catalog/types/config_intentions.h"

namespace proconsul::catalog::rules {

using base::quote;
using base::Result;

namespace {

bool is_action(const std::string& action) {
  return action == "allow" || action == "deny";
}

bool is_part_wildcard(const std::string& name) {
  return name != "*" && name.find('*') != std::string::npos;
}

Result<> check_requirement(const base::Pointer<IntentionJWTRequirement>& requirement) {
  Faults faults;
  if (requirement) {
    for (const auto& provider : requirement->Providers) {
      if (!provider || provider->Name.empty()) faults.add("JWT provider name is required");
    }
  }
  return faults.result();
}

Result<> check_header(const IntentionHTTPHeaderPermission& header, const std::string& where) {
  if (header.Name.empty()) return wrong(where + " missing required Name field");
  const int parts = header.Present + !header.Exact.empty() + !header.Regex.empty() + !header.Prefix.empty() +
                    !header.Suffix.empty() + !header.Contains.empty();
  if (parts != 1) {
    return wrong(where + " should only contain one of Present, Exact, Prefix, Suffix, Contains, or Regex");
  }
  if (header.IgnoreCase && (header.Present || !header.Regex.empty())) {
    return wrong(where + " should set one of Exact, Prefix, Suffix, or Contains when using IgnoreCase");
  }
  return {};
}

Result<> check_http(const IntentionHTTPPermission& http, const std::string& where) {
  if (!http.PathExact.empty() && !http.PathExact.starts_with('/')) {
    return wrong(where + ".PathExact doesn't start with '/': " + quote(http.PathExact));
  }
  if (!http.PathPrefix.empty() && !http.PathPrefix.starts_with('/')) {
    return wrong(where + ".PathPrefix doesn't start with '/': " + quote(http.PathPrefix));
  }
  const int paths = !http.PathExact.empty() + !http.PathPrefix.empty() + !http.PathRegex.empty();
  if (paths > 1) return wrong(where + " should only contain at most one of PathExact, PathPrefix, or PathRegex");
  for (std::size_t i = 0; i < http.Header.size(); ++i) {
    if (Result<> checked = check_header(http.Header[i], where + "." + indexed("Header", i)); !checked) return checked;
  }
  if (Result<> checked = check_methods(http.Methods, where + "."); !checked) return checked;
  if (paths == 0 && http.Header.empty() && http.Methods.empty()) return wrong(where + " should not be empty");
  return {};
}

Result<> check_permission(const base::Pointer<IntentionPermission>& permission, const std::string& where) {
  if (!permission || !is_action(permission->Action)) {
    return wrong(where + ".Action must be set to 'allow' or 'deny'");
  }
  if (!permission->HTTP) return wrong(where + ".HTTP is required");
  if (Result<> checked = check_http(*permission->HTTP, where + ".HTTP"); !checked) return checked;
  return check_requirement(permission->JWT);
}

/// What was kept with intentions that were written one by one.
Result<> check_no_legacy(const SourceIntention& source, const std::string& where) {
  if (!source.LegacyMeta.empty()) return wrong(where + ".LegacyMeta must be omitted");
  if (source.LegacyCreateTime) return wrong(where + ".LegacyCreateTime must be omitted");
  if (source.LegacyUpdateTime) return wrong(where + ".LegacyUpdateTime must be omitted");
  if (!source.LegacyID.empty()) return wrong(where + ".LegacyID must be omitted");
  return {};
}

Result<> check_legacy(const SourceIntention& source, const std::string& where) {
  if (!source.Peer.empty()) return wrong(where + ".Peer cannot be set by legacy intentions");
  if (source.LegacyMeta.size() > kMostPairs) {
    return wrong(where + ".Meta exceeds maximum element count " + std::to_string(kMostPairs));
  }
  for (const auto& [key, value] : source.LegacyMeta) {
    if (key.size() > kLongestKey) {
      return wrong(where + ".Meta key " + quote(key) + " exceeds maximum length " + std::to_string(kLongestKey));
    }
    if (value.size() > kLongestText) {
      return wrong(where + ".Meta value for key " + quote(key) + " exceeds maximum length " +
                   std::to_string(kLongestText));
    }
  }
  if (!source.LegacyCreateTime) return wrong(where + ".LegacyCreateTime must be set");
  if (!source.LegacyUpdateTime) return wrong(where + ".LegacyUpdateTime must be set");
  if (source.LegacyID.empty()) return wrong(where + ".LegacyID must be set");
  return {};
}

Result<> check_source(const SourceIntention& source, const std::string& where, bool to_everybody, bool with_ids) {
  if (source.Name.empty()) return wrong(where + ".Name is required");
  if (!source.SamenessGroup.empty()) {
    return wrong(where + ".SamenessGroup: Sameness groups are a Consul Enterprise feature. ");
  }
  if (is_part_wildcard(source.Name)) {
    return wrong(where + ".Name: wildcard character '*' cannot be used with partial values");
  }
  if (source.Peer.find('*') != std::string::npos) return wrong(where + ".Peer: cannot use wildcard '*' in peer");
  if (source.Description.size() > kLongestText) {
    return wrong(where + ".Description exceeds maximum length " + std::to_string(kLongestText));
  }
  Result<> legacy = with_ids ? check_legacy(source, where) : check_no_legacy(source, where);
  if (!legacy) return legacy;
  if ((with_ids || source.Permissions.empty()) && !is_action(source.Action)) {
    return wrong(where + ".Action must be set to 'allow' or 'deny'");
  }
  if (!source.Permissions.empty() && !source.Action.empty()) {
    return wrong(where + ".Action must be omitted if Permissions are specified");
  }
  if (to_everybody && !source.Permissions.empty()) {
    return wrong(where + ".Permissions cannot be specified on intentions with wildcarded destinations");
  }
  if (source.Type != "consul") return wrong(where + ".Type must be set to 'consul'");
  for (std::size_t i = 0; i < source.Permissions.size(); ++i) {
    const std::string at = where + "." + indexed("Permissions", i);
    if (Result<> checked = check_permission(source.Permissions[i], at); !checked) return checked;
  }
  return {};
}

Result<> check_entry(const ServiceIntentionsConfigEntry& entry, bool with_ids) {
  if (entry.Name.empty()) return wrong("Name is required");
  if (is_part_wildcard(entry.Name)) {
    return wrong("Name: wildcard character '*' cannot be used with partial values");
  }
  if (Result<> checked = check_requirement(entry.JWT); !checked) return checked;
  if (with_ids) {
    if (!entry.Meta.empty()) return wrong("Meta must be omitted for legacy intention writes");
  } else if (Result<> checked = check_meta(entry.Meta); !checked) {
    return checked;
  }
  if (entry.Sources.empty()) return wrong("At least one source is required");
  std::set<std::pair<std::string, std::string>> seen;  // peer, name
  for (std::size_t i = 0; i < entry.Sources.size(); ++i) {
    const std::string where = indexed("Sources", i);
    if (!entry.Sources[i]) return wrong(where + ".Name is required");
    const SourceIntention& source = *entry.Sources[i];
    if (Result<> checked = check_source(source, where, entry.Name == "*", with_ids); !checked) return checked;
    if (seen.emplace(source.Peer, source.Name).second) continue;
    const std::string peer = source.Peer.empty() ? "" : "peer(" + quote(source.Peer) + ") ";
    return wrong(where + " defines " + peer + quote(source.Name) + " more than once");
  }
  return {};
}

}  // namespace

Result<> check(const ServiceIntentionsConfigEntry& entry) {
  return check_entry(entry, false);
}

Result<> check_with_ids(const ServiceIntentionsConfigEntry& entry) {
  return check_entry(entry, true);
}

}  // namespace proconsul::catalog::rules
