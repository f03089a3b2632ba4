#include "agent/grpc/operator_service.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "agent/grpc/local_call.h"
#include "base/protobuf.h"
#include "base/type_of.h"

namespace proconsul::agent::grpc {

using base::Errc;
using base::Error;
using base::Result;
using server::Operator;

struct TransferLeaderRequest {
  std::string ID{};
};
PROCONSUL_DECLARE_TYPE(TransferLeaderRequest)
PROCONSUL_DESCRIBE_TYPE(TransferLeaderRequest, "pboperator.TransferLeaderRequest") {
  type.field("ID", &TransferLeaderRequest::ID);
}

struct TransferLeaderResponse {
  bool Success{};
};
PROCONSUL_DECLARE_TYPE(TransferLeaderResponse)
PROCONSUL_DESCRIBE_TYPE(TransferLeaderResponse, "pboperator.TransferLeaderResponse") {
  type.field("Success", &TransferLeaderResponse::Success);
}

namespace {

constexpr const char* kService = "hashicorp.consul.internal.operator.OperatorService";
constexpr const char* kMethod = "TransferLeader";
// No method of RPC: the dispatcher answers it here.
constexpr rpc::Method kTransfer{
    "Operator.TransferLeader", rpc::kHere, nullptr, {acl::Resource::operator_, acl::Access::write}};

constexpr base::pb::Row kTransferLeaderRequest[] = {{1, "ID"}};
constexpr base::pb::Row kTransferLeaderResponse[] = {{1, "Success"}};

const base::pb::Schema& schema() {
  static const base::pb::Schema& filled = [] -> const base::pb::Schema& {
    auto* made = new base::pb::Schema;  // never destroyed
    made->add<TransferLeaderRequest>(kTransferLeaderRequest);
    made->add<TransferLeaderResponse>(kTransferLeaderResponse);
    return *made;
  }();
  return filled;
}

}  // namespace

void RemoteTransfer::transfer_leader(const std::string& id, const std::string& token, server::Done done) {
  std::string request;
  schema().append(request, TransferLeaderRequest{.ID = id});
  servers_.call('/' + std::string(kService) + '/' + kMethod, request, fields_of({.token = token}),
                [done = std::move(done)](std::expected<CallReply, Status> reply) mutable {
                  if (!reply) return done(Error{Errc::internal, reply.error().message});
                  done({});
                });
}

void OperatorService::hand_over(const std::string& id, server::Done done) {
  const Operator::Peers peers = parts_.cluster.raft_peers();
  if (!id.empty() && std::ranges::none_of(peers.servers, [&](const Operator::Peer& peer) { return peer.id == id; })) {
    return done(Error{Errc::internal, "Could not find address for server id " + id});
  }
  if (id.empty() && std::ranges::count_if(peers.servers, &Operator::Peer::voter) < 2) {
    return done(Error{Errc::internal, "cannot find peer"});
  }
  parts_.cluster.transfer_leader(id, std::move(done));
}

void OperatorService::transfer_leader(const std::string& id, const std::string& token, server::Done done) {
  if (!parts_.server.leadership().is_leader) return at_leader_.transfer_leader(id, token, std::move(done));
  auto local = std::make_shared<LocalCall>(CallOptions{.token = token});
  local->running = [this, id](rpc::Finished finished) { hand_over(id, std::move(finished)); };
  rpc::ask(parts_.dispatcher, parts_.loops.next(), kTransfer, local,
           [local, done = std::move(done)](Result<> result) mutable { done(std::move(result)); });
}

void OperatorService::add_to(Services& services) {
  services.add(
      kService,
      {by_bytes(kMethod, Load::exempt, false, [this](const std::string& request, CallOptions options, CallDone done) {
        TransferLeaderRequest wanted;
        if (const Result<> parsed = schema().parse(request, wanted); !parsed) {
          return done(
              std::unexpected(Status{Code::internal, "grpc: error unmarshalling request: " + parsed.error().detail}));
        }
        transfer_leader(wanted.ID, options.token, [done = std::move(done)](Result<> result) mutable {
          if (!result) return done(std::unexpected(Status{Code::unknown, result.error().detail}));
          CallReply reply;
          schema().append(reply.message, TransferLeaderResponse{.Success = true});
          done(std::move(reply));
        });
      })});
}

}  // namespace proconsul::agent::grpc
