#include "agent/config/load.h"

#include "agent/config/build.h"
#include "agent/config/keys.h"
#include "agent/config/mesh_gateway.h"
#include "agent/config/origin.h"
#include "agent/config/snapshots.h"
#include "agent/config/source.h"

namespace proconsul::agent::config {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using base::Value;

/// Lists at the top level of the flags: they come before what files add to them.
Settings lists_of(Settings& flags) {
  Settings lists;
  for (auto flag = flags.begin(); flag != flags.end();) {
    if (flag->second.as_list() != nullptr) {
      lists[flag->first] = std::move(flag->second);
      flag = flags.erase(flag);
    } else {
      ++flag;
    }
  }
  return lists;
}

void compare(const Settings& before, const Settings& after, const Group& group, const std::string& prefix,
             std::vector<Change>& out) {
  for (const auto& [name, member] : group.members()) {
    const auto old_value = before.find(name);
    const auto new_value = after.find(name);
    const Value* a = old_value == before.end() ? nullptr : &old_value->second;
    const Value* b = new_value == after.end() ? nullptr : &new_value->second;
    if (a == nullptr && b == nullptr) continue;
    if (a != nullptr && b != nullptr && *a == *b) continue;
    if (member.key->type == KeyType::object) {
      static const Settings nothing;
      compare(a != nullptr && a->as_map() != nullptr ? *a->as_map() : nothing,
              b != nullptr && b->as_map() != nullptr ? *b->as_map() : nothing, *member.group, prefix + name + ".", out);
    } else {
      out.push_back({.path = prefix + name, .reloadable = member.key->reloadable});
    }
  }
}

}  // namespace

Result<Loaded> load(const LoadOptions& options) {
  return load(options, Surroundings::of_this_host());
}

Result<Loaded> load(const LoadOptions& options, const Surroundings& host) {
  if (!options.format.empty() && options.format != "json" && options.format != "hcl") {
    return Error{Errc::invalid_argument, "config: -config-format must be either 'hcl' or 'json'"};
  }
  Loaded loaded;
  loaded.warnings = options.warnings;
  std::vector<Source> sources;
  for (const std::string& path : options.paths) {
    Result<std::vector<Source>> found = sources_from_path(path, options.format, loaded.warnings);
    if (!found) return found.error();
    for (Source& source : *found) sources.push_back(std::move(source));
  }

  Origins origins;
  Settings flags = options.flags;
  merge(loaded.given, lists_of(flags));
  const auto add = [&](Source source) -> Result<> {
    Result<Settings> settings = read_source(source, loaded.warnings);
    if (!settings) return settings.error();
    origins.add(std::move(source), *settings);
    merge(loaded.given, std::move(*settings));
    return {};
  };
  for (Source& source : sources) {
    if (Result<> read = add(std::move(source)); !read) return read.error();
  }
  origins.add_flags(options.flags);
  merge(loaded.given, std::move(flags));
  for (std::size_t i = 0; i < options.fragments.size(); ++i) {
    Source source{.name = "flags-" + std::to_string(i) + ".hcl", .format = "hcl", .text = options.fragments[i]};
    if (Result<> read = add(std::move(source)); !read) return read.error();
  }

  loaded.settings = default_settings(options.development);
  merge(loaded.settings, options.introduced);
  merge(loaded.settings, loaded.given);
  for (const Key& key : keys()) {
    if (key.use == Use::internal) erase(loaded.settings, key.path);
  }
  merge(loaded.settings, internal_settings(options.development));

  std::vector<std::string> errors;
  Result<Config> config = build(loaded.settings, options.development, host, loaded.warnings, errors);
  const auto located = [&](const Error& error) { return Error{error.code, error.detail + origins.of(error.detail)}; };
  if (!config) return located(config.error());
  (void)snapshot_schedule(loaded.settings, errors);
  (void)mesh_gateway(loaded.settings, host, errors);
  for (std::string& error : errors) error += origins.of(error);
  if (Result<> valid = validate(*config, host, loaded.warnings, errors); !valid) {
    const bool listed = !errors.empty() && valid.error().detail == error_list(errors);
    return listed ? valid.error() : located(valid.error());
  }
  loaded.config = std::move(*config);
  return loaded;
}

std::vector<Change> changes(const Settings& before, const Settings& after) {
  std::vector<Change> out;
  compare(before, after, root_group(), "", out);
  return out;
}

}  // namespace proconsul::agent::config
