// A call that this server answers itself, with what the dispatcher does around it: permissions, consistency, waiting.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "agent/grpc/calls.h"
#include "agent/rpc/method.h"
#include "agent/tokens/resolver.h"
#include "agent/tokens/who.h"
#include "base/result.h"
#include "catalog/store/store.h"
#include "catalog/types/common.h"

namespace proconsul::agent::grpc {

/// The dispatcher never carries it anywhere: it has no form on the wire.
class LocalCall final : public rpc::Invocation {
 public:
  using Evaluate = std::function<std::uint64_t(const catalog::View&, base::KeySet*, std::string& message, bool& found)>;
  using Run = std::move_only_function<void(rpc::Finished)>;
  using May = std::function<base::Result<>(const tokens::Who&)>;

  explicit LocalCall(const CallOptions& options) {
    options_.Token = options.token;
    options_.MinQueryIndex = options.min_index;
    options_.MaxQueryTime = options.wait;
    options_.RequireConsistent = options.consistent;
  }
  Evaluate evaluation{};
  Run running{};
  May may{};  // what the row does not say of the token
  CallReply reply{};

  base::Result<> decode_request(std::string_view) override { return {}; }
  void encode_request(std::string&) const override {}
  base::Result<> decode_reply(std::string_view) override { return {}; }
  void encode_reply(std::string&) const override {}
  std::string_view datacenter() const override { return {}; }
  const catalog::QueryOptions* query() const override { return evaluation ? &options_ : nullptr; }
  catalog::QueryMeta* meta() override { return &meta_; }
  std::string_view token() const override { return options_.Token; }
  bool is_query() const override { return static_cast<bool>(evaluation); }
  base::Result<rpc::Found> evaluate(rpc::Services& services, const catalog::View& view, base::KeySet* watch) override {
    if (may && services.tokens) {
      const base::Result<tokens::Who> who = services.tokens->resolve(view.tables(), options_.Token);
      if (!who) return who.error();
      if (base::Result<> allowed = may(*who); !allowed) return allowed.error();
    }
    bool found = true;
    reply.message.clear();
    meta_.Index = evaluation(view, watch, reply.message, found);
    reply.index = meta_.Index;
    return found ? rpc::Found::yes : rpc::Found::no;
  }
  void run(rpc::Services&, rpc::Finished done) override { running(std::move(done)); }

 private:
  catalog::QueryOptions options_{};
  catalog::QueryMeta meta_{};
};

}  // namespace proconsul::agent::grpc
