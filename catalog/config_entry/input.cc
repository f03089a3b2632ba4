#include "catalog/config_entry/input.h"

#include <string>
#include <utility>
#include <vector>

#include "base/quote.h"
#include "base/weak_decode.h"
#include "catalog/config_entry/kinds.h"
#include "catalog/config_entry/rules.h"
#include "catalog/config_entry/validate.h"
#include "catalog/store/key.h"
#include "catalog/types/config_services.h"

namespace proconsul::catalog {

using base::Errc;
using base::Result;
using base::Value;

namespace {

/// Those of other editions have texts of their own.
Result<> refuse_unknown(const std::vector<std::string>& keys) {
  rules::Faults faults;
  for (const std::string& key : keys) {
    // The kind was looked at, and some kinds have no such field; what came out of an answer may go in again.
    if (key == "Kind" || key == "kind" || key == "CreateIndex" || key == "ModifyIndex") continue;
    const std::string spelled = lower_case(key);
    std::string fault = "invalid config key " + base::quote(key);
    if (spelled.ends_with("namespace")) {
      fault += ", namespaces are a consul enterprise feature";
    } else if (spelled.find("jwt") != std::string::npos) {
      fault += ", api-gateway jwt validation is a consul enterprise feature";
    }
    faults.add(std::move(fault));
  }
  return faults.result();
}

}  // namespace

Result<std::shared_ptr<ConfigEntry>> decode_config_entry(const Value::MapType& raw, EntryFrom from) {
  auto named = raw.find("Kind");
  if (named == raw.end()) named = raw.find("kind");
  if (named == raw.end()) {
    return {Errc::invalid_argument, "Payload does not contain a kind/Kind key at the top level"};
  }
  const std::string* kind = named->second.as_string();
  if (!kind) return {Errc::invalid_argument, "Kind value in payload is not a string"};
  Result<std::shared_ptr<ConfigEntry>> entry = make_config_entry(*kind);
  if (!entry) return entry;
  ConfigEntry& made = **entry;
  Result<std::vector<std::string>> unused = base::decode_weakly(raw, made.kind->type(), &made);
  if (!unused) return unused.error();
  for (const auto& [key, value] : raw) {
    if (from == EntryFrom::client && lower_case(key) == "hash") unused->push_back(key);
  }
  made.Hash = 0;
  if (Result<> known = refuse_unknown(*unused); !known) return {Errc::invalid_argument, known.error().detail};
  if (Result<> checked = check_free_values(made); !checked) return checked.error();
  return entry;
}

Result<std::shared_ptr<ConfigEntry>> valid_config_entry(const Value::MapType& raw) {
  Result<std::shared_ptr<ConfigEntry>> entry = decode_config_entry(raw);
  if (!entry) return entry;
  Result<> valid = normalize_config_entry(**entry);
  if (valid) valid = validate_config_entry(**entry);
  if (!valid) return {Errc::invalid_argument, valid.error().detail};
  return entry;
}

Result<> check_free_values(const ConfigEntry& entry) {
  const auto* proxies = entry_as<ProxyConfigEntry>(&entry);
  if (!proxies) return {};
  for (const auto& [key, value] : proxies->Config) {
    if (base::has_null_in_list(value)) return {Errc::invalid_argument, "Config[" + key + "] has a list with a null"};
  }
  return {};
}

}  // namespace proconsul::catalog
