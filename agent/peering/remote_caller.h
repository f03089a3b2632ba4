// Who answers about peerings on a client agent: servers.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "agent/grpc/remote_calls.h"
#include "agent/peering/caller.h"

namespace proconsul::agent::peering {

class RemoteCaller final : public Caller {
 public:
  explicit RemoteCaller(grpc::RemoteCalls& calls) : calls_(calls) {}
  void call(std::string_view method, std::string request, CallOptions options, CallDone done) override {
    calls_.call('/' + std::string(kPeeringService) + '/' + std::string(method), request, fields_of(options),
                std::move(done));
  }

 private:
  grpc::RemoteCalls& calls_;
};

}  // namespace proconsul::agent::peering
