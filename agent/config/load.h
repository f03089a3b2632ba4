// Loading a configuration: all sources in Consul's order, merged, built and checked.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/config/config.h"
#include "agent/config/settings.h"
#include "base/result.h"

namespace proconsul::agent::config {

struct LoadOptions {
  bool development = false;              // -dev
  std::vector<std::string> paths{};      // -config-file and -config-dir, in the order given
  std::string format{};                  // -config-format
  std::vector<std::string> fragments{};  // -hcl
  Settings flags{};                      // the other flags
  std::vector<std::string> warnings{};   // of deprecated flags
  Settings introduced{};                 // what servers told a client (auto_config): instead of defaults
};

struct Loaded {
  Config config{};
  Settings settings{};  // everything merged: what a reload compares
  Settings given{};     // what files and flags say, without defaults
  std::vector<std::string> warnings{};
};

/// Lowest to highest: defaults, those of -dev, lists of flags, files in order, other flags, -hcl. What is not the
/// user's to decide comes last. The error is one text for people, naming file and key.
base::Result<Loaded> load(const LoadOptions& options, const Surroundings& host);
base::Result<Loaded> load(const LoadOptions& options);  // of this host

/// Why this build of the agent cannot start with the configuration: a sentence for each key whose part is not built.
std::vector<std::string> not_built(const Loaded& loaded);
/// A sentence for each key that is kept and shown but does nothing yet.
std::vector<std::string> without_effect(const Loaded& loaded);

struct Change {
  std::string path{};  // "services", "ports.http"
  bool reloadable{};
};
/// The keys that a reload would change; those that are not reloadable keep their value until a restart.
std::vector<Change> changes(const Settings& before, const Settings& after);

}  // namespace proconsul::agent::config
