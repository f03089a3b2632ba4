// Follows what a mesh gateway's configuration is made of, by calls that this agent or its servers answer.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "agent/rpc/caller.h"
#include "agent/rpc/followed_query.h"
#include "agent/rpc/types.h"
#include "agent/xds/mesh_gateway.h"
#include "base/net/loop.h"

namespace proconsul::agent::xds {

/// Lives on its loop, where all is called.
class GatewayInputs : base::net::Timer {
 public:
  struct Options {
    std::string datacenter{};
    std::string domain{};
    std::string token{};  // by which all is asked for
  };
  /// The caller and the loop outlive it. `changed`: there is a new world, the first one once all of this datacenter is
  /// known. What comes at about the same time is told once.
  GatewayInputs(base::net::Loop& loop, rpc::Caller& caller, Options options, std::function<void()> changed);
  ~GatewayInputs() override;

  /// The gateway's registration, as it is now.
  void use(catalog::NodeService service);
  const GatewayWorld& world() const { return world_; }

 private:
  using Following = std::unique_ptr<rpc::FollowedQuery>;
  void on_timer() override;
  void change();
  bool is_complete() const;
  template <class Req, class Rep>
  Following follow(std::string_view method, Req request, std::function<void(Rep)> told);
  void follow_datacenter();
  void follow_defaults();
  void follow_servers();
  void follow_service(const std::string& name);
  void services_listed(const rpc::IndexedServiceList& list);
  void ask_datacenters();
  void datacenters_listed(const base::List<std::string>& names);

  base::net::Loop& loop_;
  rpc::Caller& caller_;
  const Options options_;
  const std::function<void()> changed_;
  const std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
  GatewayWorld world_{};
  bool complete_ = false;
  bool listed_ = false, resolvers_known_ = false, mesh_known_ = false, defaults_known_ = false, states_known_ = false;
  Following roots_{}, list_{}, resolvers_{}, mesh_{}, defaults_{}, states_{}, servers_{};
  std::map<std::string, Following, std::less<>> services_{}, datacenters_{};
};

}  // namespace proconsul::agent::xds
