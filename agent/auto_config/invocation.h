// One call of AutoConfig.InitialConfiguration: messages of protobuf, each within one raw of msgpack.
#pragma once

#include <string>
#include <string_view>

#include "agent/auto_config/messages.h"
#include "agent/rpc/method.h"

namespace proconsul::agent::auto_config {

inline constexpr std::string_view kMethod = "AutoConfig.InitialConfiguration";

class Call : public rpc::Invocation {
 public:
  Request request{};
  Response reply{};

  base::Result<> decode_request(std::string_view body) override;
  void encode_request(std::string& out) const override;
  base::Result<> decode_reply(std::string_view body) override;
  void encode_reply(std::string& out) const override;

  /// Never another one: that it names one is refused where it arrives.
  std::string_view datacenter() const override { return {}; }
  const catalog::QueryOptions* query() const override { return nullptr; }
  catalog::QueryMeta* meta() override { return nullptr; }
  std::string_view token() const override { return {}; }
  bool is_query() const override { return false; }
  base::Result<rpc::Found> evaluate(rpc::Services&, const catalog::View&, base::KeySet*) override {
    return rpc::Found::yes;
  }
  void run(rpc::Services& services, rpc::Finished done) override;
};

}  // namespace proconsul::agent::auto_config
