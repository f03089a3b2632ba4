#include "agent/watches.h"

#include <optional>
#include <utility>

#include "agent/own_api.h"
#include "base/log.h"

namespace proconsul::agent {
namespace {

using base::Errc;
using base::Result;

const base::log::Logger kLog("agent");

/// What the command `watch` is not asked about.
Result<> allowed_in_configuration(const base::Map<base::Value>& parameters) {
  const auto text = [&](const char* key) -> std::string {
    const auto found = parameters.find(key);
    const std::string* value = found == parameters.end() ? nullptr : found->second.as_string();
    return value != nullptr ? *value : "";
  };
  const std::string handler = text("handler_type");
  if (parameters.contains("handler_type") && handler != "http" && handler != "script") {
    return {Errc::invalid_argument, "Handler type '" + handler + "' not recognized"};
  }
  const std::string type = text("type");
  if (type.starts_with("connect_")) {
    return {Errc::invalid_argument, "Watch type " + type + " is not allowed in agent config"};
  }
  return {};
}

}  // namespace

Result<> Watches::replace(const config::Config& config) {
  std::erase_if(ending_, [](const auto& runner) { return runner->finished(); });
  Runners fresh;
  if (!config.watches.empty()) {
    const std::optional<cli::ApiConfig> client = own_api(config);
    if (!client) return {Errc::invalid_argument, "watch plans require an HTTP or HTTPS endpoint"};
    std::vector<watch::Plan> plans;
    for (const base::Map<base::Value>& parameters : config.watches) {
      if (Result<> allowed = allowed_in_configuration(parameters); !allowed) return allowed;
      bool deprecated = false;
      Result<watch::Plan> plan = watch::parse_agent_watch(parameters, deprecated);
      if (!plan) return plan.error();
      if (deprecated)
        kLog.warn(
            "The 'handler' field in watches has been deprecated and replaced with the 'args' field. "
            "See https://developer.hashicorp.com/docs/agent/watches");
      plans.push_back(std::move(*plan));
    }
    for (watch::Plan& plan : plans) {
      Result<std::unique_ptr<watch::Runner>> runner =
          watch::Runner::start(std::move(plan), *client, base::log::Logger("agent.watch"));
      if (!runner) return {runner.error().code, "Failed to run watch: " + runner.error().detail};
      fresh.push_back(std::move(*runner));
    }
  }
  for (std::unique_ptr<watch::Runner>& runner : std::exchange(running_, std::move(fresh))) {
    runner->stop();
    ending_.push_back(std::move(runner));
  }
  return {};
}

void Watches::stop() {
  for (const std::unique_ptr<watch::Runner>& runner : running_) runner->stop();
  running_.clear();
  ending_.clear();
}

}  // namespace proconsul::agent
