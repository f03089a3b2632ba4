// Which parts of the names of Envoy's metrics become tags.
#include <set>

#include "agent/cli/envoy_bootstrap.h"

namespace proconsul::agent::cli {

using base::Value;

namespace {

/// S stands for one part of a name, without dots. The outer group is cut out of the name, the inner one is the value.
struct Rule {
  const char* name{};
  const char* pattern{};
  bool had_older_name = true;  // before Consul 1.9
};
constexpr Rule kOfClusters[] = {
    {"custom_hash", R"(((?:(S)~)?(?:S\.)?S\.S\.(?:S\.)?S\.S\.S\.consul\.))"},
    {"service_subset", R"(((?:S~)?(?:(S)\.)?S\.S\.(?:S\.)?S\.S\.S\.consul\.))"},
    {"service", R"(((?:S~)?(?:S\.)?(S)\.S\.(?:S\.)?S\.S\.S\.consul\.))"},
    {"namespace", R"(((?:S~)?(?:S\.)?S\.(S)\.(?:S\.)?S\.S\.S\.consul\.))"},
    {"partition", R"(((?:S~)?(?:S\.)?S\.S\.(?:(S)\.)?S\.internal[^.]*\.S\.consul\.))", false},
    {"datacenter", R"(((?:S~)?(?:S\.)?S\.S\.(?:S\.)?(S)\.internal[^.]*\.S\.consul\.))"},
    {"routing_type", R"(((?:S~)?(?:S\.)?S\.S\.(?:S\.)?S\.(S)\.S\.consul\.))"},
    {"trust_domain", R"(((?:S~)?(?:S\.)?S\.S\.(?:S\.)?S\.S\.(S)\.consul\.))"},
    {"target", R"((((?:S~)?(?:S\.)?S\.S\.(?:S\.)?S)\.S\.S\.consul\.))"},
    {"full_target", R"((((?:S~)?(?:S\.)?S\.S\.(?:S\.)?S\.S\.S)\.consul\.))"},
};
constexpr Rule kOthers[] = {
    {"consul.destination.peer", R"(^cluster\.(S\.(?:S\.)?(S)\.external\.S\.consul\.))"},
    {"consul.upstream.service", R"(^(?:tcp|http)\.upstream(?:_peered)?\.((S)(?:\.S)?(?:\.S)?\.S\.))"},
    {"consul.upstream.datacenter", R"(^(?:tcp|http)\.upstream\.(S(?:\.S)?(?:\.S)?\.(S)\.))"},
    {"consul.upstream.peer", R"(^(?:tcp|http)\.upstream_peered\.(S(?:\.S)?\.(S)\.))"},
    {"consul.upstream.namespace", R"(^(?:tcp|http)\.upstream(?:_peered)?\.(S(?:\.(S))?(?:\.S)?\.S\.))"},
    {"consul.upstream.partition", R"(^(?:tcp|http)\.upstream\.(S(?:\.S)?(?:\.(S))?\.S\.))"},
};

std::string expanded(std::string_view pattern) {
  std::string out;
  for (const char each : pattern) {
    if (each == 'S') {
      out += "[^.]+";
    } else {
      out += each;
    }
  }
  return out;
}

Value tag(std::string name, const char* kind, std::string value) {
  Value out;
  Value::MapType& fields = out.make_map();
  fields["tag_name"] = std::move(name);
  fields[kind] = std::move(value);
  return out;
}

std::string lower(std::string text) {
  for (char& each : text) {
    if (each >= 'A' && each <= 'Z') each = static_cast<char>(each + 32);
  }
  return text;
}

}  // namespace

Value envoy_stats_config(const EnvoyBootstrap& envoy, const base::List<std::string>& fixed) {
  Value out;
  Value::MapType& fields = out.make_map();
  Value::ListType& tags = fields["stats_tags"].make_list();
  fields["use_all_default_tags"] = true;
  std::set<std::string> taken;
  for (const std::string& each : fixed) {
    const std::size_t equals = each.find('=');
    std::string name = lower(each.substr(0, equals));
    tags.push_back(tag(name, "fixed_value", equals == std::string::npos ? "1" : each.substr(equals + 1)));
    taken.insert(std::move(name));
  }
  for (const Rule& rule : kOfClusters) {
    tags.push_back(tag(std::string("consul.destination.") + rule.name, "regex",
                       R"(^cluster\.(?:passthrough~)?)" + expanded(rule.pattern)));
  }
  for (const Rule& rule : kOthers) tags.push_back(tag(rule.name, "regex", expanded(rule.pattern)));
  for (const Rule& rule : kOfClusters) {
    if (envoy.omit_deprecated_tags || !rule.had_older_name) continue;
    tags.push_back(tag(std::string("consul.") + rule.name, "regex", R"(^cluster\.)" + expanded(rule.pattern)));
  }
  const auto or_default = [](const std::string& text) { return text.empty() ? std::string("default") : text; };
  for (const auto& [name, value] : {std::pair<const char*, std::string>{"local_cluster", envoy.cluster},
                                    {"consul.source.service", envoy.source_service},
                                    {"consul.source.namespace", or_default(envoy.name_space)},
                                    {"consul.source.partition", or_default(envoy.partition)},
                                    {"consul.source.datacenter", envoy.datacenter}}) {
    if (!value.empty() && !taken.contains(name)) tags.push_back(tag(name, "fixed_value", value));
  }
  return out;
}

}  // namespace proconsul::agent::cli
