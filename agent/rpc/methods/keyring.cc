// Internal.KeyringOperation: the server that is asked does it in its own pools, and has one server of every other
// datacenter do it in the LAN there.
#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>

#include "agent/rpc/asking.h"
#include "agent/rpc/caller.h"
#include "agent/rpc/federation.h"
#include "agent/rpc/methods/families.h"
#include "agent/server/changes.h"

namespace proconsul::agent::rpc {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using gossip::serf::KeyOperation;
using gossip::serf::KeyResult;
using Call = TypedInvocation<KeyringRequest, KeyringResponses>;

std::optional<KeyOperation> operation_of(std::string_view name) {
  if (name == "list") return KeyOperation::list;
  if (name == "install") return KeyOperation::install;
  if (name == "use") return KeyOperation::use;
  if (name == "remove") return KeyOperation::remove;
  return std::nullopt;
}

base::Map<base::Int> counts(const std::map<std::string, int>& keys) {
  base::Map<base::Int> counts;
  counts.make_present();
  for (const auto& [key, count] : keys) counts.emplace(key, count);
  return counts;
}

KeyringResponse shown(KeyResult result, bool wan, const std::string& datacenter) {
  KeyringResponse response;
  response.WAN = wan;
  response.Datacenter = datacenter;
  response.Messages.make_present();
  for (auto& [node, message] : result.messages) response.Messages.emplace(node, std::move(message));
  response.Keys = counts(result.keys);
  response.PrimaryKeys = counts(result.primary_keys);
  response.NumNodes = result.nodes;
  response.Error = std::move(result.error);
  return response;
}

/// One operation on its way through pools and datacenters; kept by whoever still owes it something.
struct Operation : std::enable_shared_from_this<Operation> {
  Services& services;
  KeyringRequest request;
  KeyOperation operation;
  std::move_only_function<void(Result<KeyringResponses>)> done;
  std::mutex mutex{};  // guards what follows, from the first call of another datacenter on
  KeyringResponses reply{};
  std::optional<Error> failed{};
  std::size_t missing = 0;

  Operation(Services& services_, KeyringRequest request_, KeyOperation operation_,
            std::move_only_function<void(Result<KeyringResponses>)> done_)
      : services(services_), request(std::move(request_)), operation(operation_), done(std::move(done_)) {}

  void in_pool(bool wan, std::move_only_function<void()> then) {
    services.federation->key_operation(
        wan, operation, request.Key, request.RelayFactor,
        [self = shared_from_this(), wan, then = std::move(then)](KeyResult result) mutable {
          self->reply.Responses.emplace_back(shown(std::move(result), wan, self->services.datacenter));
          then();
        });
  }

  void everywhere() {
    in_pool(true, [self = shared_from_this()] { self->in_pool(false, [self] { self->in_other_datacenters(); }); });
  }

  void in_other_datacenters() {
    std::vector<std::string> others = services.federation->datacenters();
    std::erase(others, services.datacenter);
    if (others.empty()) return done(std::move(reply));
    missing = others.size();
    // The row's own flags keep a call here.
    static const Method kElsewhere = [] {
      Method method = *find_method("Internal.KeyringOperation");
      method.flags &= ~static_cast<std::uint32_t>(kHere);
      return method;
    }();
    for (std::string& datacenter : others) {
      auto call = std::make_shared<Call>();
      call->request = request;
      call->request.Forwarded = true;
      call->request.Datacenter = std::move(datacenter);
      ask(*services.caller, services.loops->next(), kElsewhere, call,
          [self = shared_from_this(), call](const Result<>& answered) { self->answered(answered, call->reply); });
    }
  }

  void answered(const Result<>& result, KeyringResponses& theirs) {
    {
      const std::lock_guard lock(mutex);
      if (!result && !failed) failed = result.error();
      for (auto& response : theirs.Responses) reply.Responses.push_back(std::move(response));
      if (--missing > 0) return;
    }
    failed ? done(*failed) : done(std::move(reply));
  }
};

void operate(Services& services, KeyringRequest& request, server::Answered<KeyringResponses> done) {
  const std::optional<KeyOperation> operation = operation_of(request.Operation);
  if (!operation) return done(Error{Errc::invalid_argument, "Invalid keyring operation"});
  if (request.LocalOnly && *operation != KeyOperation::list) {
    return done(Error{Errc::invalid_argument, "argument error: LocalOnly can only be used for List operations"});
  }
  const Result<tokens::Who> who = asking(services, request.Token);
  if (!who) return done(who.error());
  const acl::Access access = *operation == KeyOperation::list ? acl::Access::read : acl::Access::write;
  if (Result<> allowed = tokens::require(*who, acl::Resource::keyring, access); !allowed) return done(allowed.error());
  if (services.federation == nullptr) return done(Error{Errc::unavailable, "this server is in no pool"});
  auto work = std::make_shared<Operation>(services, request, *operation, std::move(done));
  if (!request.LocalOnly && !request.Forwarded && services.federation->on_wan()) return work->everywhere();
  work->in_pool(false, [work] { work->done(std::move(work->reply)); });
}

}  // namespace

std::span<const Method> keyring_methods() {
  static constexpr Method kRows[] = {
      method<&operate>("Internal.KeyringOperation", kReads | kHere),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
