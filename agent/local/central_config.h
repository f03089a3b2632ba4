// What central configuration says of this agent's own proxies, wherever that is known.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "catalog/config_entry/resolve.h"
#include "catalog/types/service_config.h"

namespace proconsul::agent::local {

class CentralConfig {
 public:
  struct Question {
    catalog::ServiceConfigQuestion of{};
    std::string token{};
  };
  struct Known {
    catalog::ServiceConfig config{};
    std::uint64_t index{};
  };
  virtual ~CentralConfig() = default;

  // What is called back is called from any thread.
  virtual void fetch(Question question, std::move_only_function<void(base::Result<Known>)> done) = 0;

  /// Belongs to one thread, but for what it calls; nothing is called any more soon after its end. It dies before the
  /// central configuration.
  class Followed {
   public:
    virtual ~Followed() = default;
  };
  /// Each time that there is something newer than `after`.
  virtual std::unique_ptr<Followed> follow(Question question, std::uint64_t after,
                                           std::function<void(const base::Result<Known>&)> changed) = 0;
};

}  // namespace proconsul::agent::local
