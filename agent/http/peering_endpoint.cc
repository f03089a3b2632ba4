#include "agent/http/peering_endpoint.h"

#include <utility>

#include "agent/http/answers.h"
#include "agent/peering/caller.h"
#include "agent/peering/messages.h"
#include "agent/tokens/who.h"
#include "base/json.h"
#include "base/quote.h"

namespace proconsul::agent::http {

using base::Errc;
using base::Error;
using base::Pointer;
using base::Result;

PROCONSUL_DESCRIBE_TYPE(PeeringRemoteInfo, "api.PeeringRemoteInfo") {
  type.field("Partition", &PeeringRemoteInfo::Partition);
  type.field("Datacenter", &PeeringRemoteInfo::Datacenter);
  type.field("Locality", &PeeringRemoteInfo::Locality).omit_empty();
}
PROCONSUL_DESCRIBE_TYPE(PeeringStreamStatus, "api.PeeringStreamStatus") {
  type.field("ImportedServices", &PeeringStreamStatus::ImportedServices);
  type.field("ExportedServices", &PeeringStreamStatus::ExportedServices);
  type.field("LastHeartbeat", &PeeringStreamStatus::LastHeartbeat);
  type.field("LastReceive", &PeeringStreamStatus::LastReceive);
  type.field("LastSend", &PeeringStreamStatus::LastSend);
}
PROCONSUL_DESCRIBE_TYPE(ShownPeering, "api.Peering") {
  type.field("ID", &ShownPeering::ID);
  type.field("Name", &ShownPeering::Name);
  type.field("Partition", &ShownPeering::Partition).omit_empty();
  type.field("DeletedAt", &ShownPeering::DeletedAt).omit_empty();
  type.field("Meta", &ShownPeering::Meta).omit_empty();
  type.field("State", &ShownPeering::State);
  type.field("PeerID", &ShownPeering::PeerID).omit_empty();
  type.field("PeerCAPems", &ShownPeering::PeerCAPems).omit_empty();
  type.field("PeerServerName", &ShownPeering::PeerServerName).omit_empty();
  type.field("PeerServerAddresses", &ShownPeering::PeerServerAddresses).omit_empty();
  type.field("StreamStatus", &ShownPeering::StreamStatus);
  type.field("CreateIndex", &ShownPeering::CreateIndex);
  type.field("ModifyIndex", &ShownPeering::ModifyIndex);
  type.field("Remote", &ShownPeering::Remote);
}
PROCONSUL_DESCRIBE_TYPE(PeeringTokenBody, "api.PeeringGenerateTokenRequest") {
  type.field("PeerName", &PeeringTokenBody::PeerName);
  type.field("Partition", &PeeringTokenBody::Partition).omit_empty();
  type.field("Meta", &PeeringTokenBody::Meta).omit_empty();
  type.field("ServerExternalAddresses", &PeeringTokenBody::ServerExternalAddresses).omit_empty();
}
PROCONSUL_DESCRIBE_TYPE(PeeringTokenAnswer, "api.PeeringGenerateTokenResponse") {
  type.field("PeeringToken", &PeeringTokenAnswer::PeeringToken);
}
PROCONSUL_DESCRIBE_TYPE(PeeringEstablishBody, "api.PeeringEstablishRequest") {
  type.field("PeerName", &PeeringEstablishBody::PeerName);
  type.field("PeeringToken", &PeeringEstablishBody::PeeringToken).omit_empty();
  type.field("Partition", &PeeringEstablishBody::Partition).omit_empty();
  type.field("Meta", &PeeringEstablishBody::Meta).omit_empty();
}
PROCONSUL_DESCRIBE_TYPE(PeeringEstablishAnswer, "api.PeeringEstablishResponse") {
  (void)type;
}

namespace {

constexpr const char* kBadBody = "Body decoding failed";
constexpr const char* kNoName = "Must specify a name to fetch.";
constexpr int kTooMany = 429;

Pointer<base::Time> time_of(const Pointer<catalog::Timestamp>& time) {
  if (!time) return {};
  return base::from_unix(time->seconds, time->nanos);
}

ShownPeering shown(catalog::Peering peering) {
  ShownPeering out;
  out.ID = std::move(peering.ID);
  out.Name = std::move(peering.Name);
  out.Partition = std::move(peering.Partition);
  out.DeletedAt = time_of(peering.DeletedAt);
  out.Meta = std::move(peering.Meta);
  out.State = catalog::peering_state_name(peering.State);
  out.PeerID = std::move(peering.PeerID);
  out.PeerCAPems = std::move(peering.PeerCAPems);
  out.PeerServerName = std::move(peering.PeerServerName);
  out.PeerServerAddresses = std::move(peering.PeerServerAddresses);
  if (peering.StreamStatus) {
    catalog::StreamStatus& status = *peering.StreamStatus;
    out.StreamStatus = {.ImportedServices = std::move(status.ImportedServices),
                        .ExportedServices = std::move(status.ExportedServices),
                        .LastHeartbeat = time_of(status.LastHeartbeat),
                        .LastReceive = time_of(status.LastReceive),
                        .LastSend = time_of(status.LastSend)};
  }
  out.CreateIndex = peering.CreateIndex;
  out.ModifyIndex = peering.ModifyIndex;
  if (peering.Remote) {
    out.Remote = {.Partition = std::move(peering.Remote->Partition),
                  .Datacenter = std::move(peering.Remote->Datacenter),
                  .Locality = std::move(peering.Remote->Locality)};
  }
  return out;
}

Reply failed(const grpc::Status& status) {
  const Error error{Errc::internal, status.message};
  if (status.code == grpc::Code::permission_denied || tokens::is_refusal(error)) {
    return failure({Errc::permission_denied, status.message});
  }
  if (status.code == grpc::Code::resource_exhausted) return text(kTooMany, status.message);
  if (status.code == grpc::Code::unavailable) return failure({Errc::unavailable, status.message});
  return failure(error);
}

/// Of a query; the leader answered it just now.
void add_meta(Reply& reply, std::uint64_t index) {
  reply.header("X-Consul-Index", std::to_string(std::max<std::uint64_t>(index, 1)));
  reply.header("X-Consul-Knownleader", "true");
  reply.header("X-Consul-Lastcontact", "0");
  reply.header("X-Consul-Query-Backend", "blocking-query");
}

peering::CallOptions options_of(const Request& request) {
  return {.token = request.options.token,
          .min_index = request.options.min_index,
          .wait = request.options.wait,
          .consistent = request.options.consistent};
}

template <class Message>
Message read_message(const std::string& bytes) {
  Message message;
  (void)peering::schema().parse(bytes, message).has_value();
  return message;
}

}  // namespace

void generate_peering_token(Context& agent, const Request& request, Responder responder) {
  PeeringTokenBody body;
  if (Result<> read = decode_body(request, body, kBadBody); !read) return responder.send(Result<Reply>(read.error()));
  if (body.PeerName.empty()) {
    return responder.send(text(400, "PeerName is required in the payload when generating a new peering token."));
  }
  const peering::GenerateTokenRequest call{.PeerName = body.PeerName,
                                           .Partition = body.Partition,
                                           .Meta = body.Meta,
                                           .ServerExternalAddresses = body.ServerExternalAddresses};
  agent.peerings->call("GenerateToken", peering::encoded(call), {.token = token_of(request)},
                       [responder = std::move(responder)](auto made) mutable {
                         if (!made) return responder.send(failed(made.error()));
                         auto answer = read_message<peering::GenerateTokenResponse>(made->message);
                         responder.send(json(base::to_json(PeeringTokenAnswer{std::move(answer.PeeringToken)})));
                       });
}

void establish_peering(Context& agent, const Request& request, Responder responder) {
  PeeringEstablishBody body;
  if (Result<> read = decode_body(request, body, kBadBody); !read) return responder.send(Result<Reply>(read.error()));
  if (body.PeerName.empty()) {
    return responder.send(text(400, "PeerName is required in the payload when establishing a peering."));
  }
  if (body.PeeringToken.empty()) {
    return responder.send(text(400, "PeeringToken is required in the payload when establishing a peering."));
  }
  const peering::EstablishRequest call{
      .PeerName = body.PeerName, .PeeringToken = body.PeeringToken, .Partition = body.Partition, .Meta = body.Meta};
  agent.peerings->call("Establish", peering::encoded(call), {.token = token_of(request)},
                       [responder = std::move(responder)](auto made) mutable {
                         if (!made) return responder.send(failed(made.error()));
                         responder.send(json("{}"));
                       });
}

void read_peering(Context& agent, const Request& request, Responder responder) {
  if (request.rest.empty()) return responder.send(text(400, kNoName));
  const catalog::PeeringNameRequest call{.Name = std::string(request.rest)};
  agent.peerings->call("PeeringRead", peering::encoded(call), options_of(request),
                       [responder = std::move(responder), name = call.Name](auto found) mutable {
                         if (!found) return responder.send(failed(found.error()));
                         auto answer = read_message<peering::PeeringReadResponse>(found->message);
                         if (!answer.Peering)
                           return responder.send(text(404, "Peering not found for " + base::quote(name)));
                         const std::uint64_t index = answer.Peering->ModifyIndex;
                         Reply reply = json(base::to_json(shown(std::move(*answer.Peering))));
                         add_meta(reply, index);
                         responder.send(std::move(reply));
                       });
}

void delete_peering(Context& agent, const Request& request, Responder responder) {
  if (request.rest.empty()) return responder.send(text(400, kNoName));
  const catalog::PeeringNameRequest call{.Name = std::string(request.rest)};
  agent.peerings->call("PeeringDelete", peering::encoded(call), {.token = token_of(request)},
                       [responder = std::move(responder)](auto gone) mutable {
                         if (!gone) return responder.send(failed(gone.error()));
                         responder.send(empty());
                       });
}

void list_peerings(Context& agent, const Request& request, Responder responder) {
  agent.peerings->call("PeeringList", peering::encoded(peering::PeeringListRequest()), options_of(request),
                       [responder = std::move(responder)](auto found) mutable {
                         if (!found) return responder.send(failed(found.error()));
                         auto answer = read_message<peering::PeeringListResponse>(found->message);
                         base::List<ShownPeering> all;
                         all.make_present();
                         for (catalog::Peering& each : answer.Peerings) all.push_back(shown(std::move(each)));
                         Reply reply = json(base::to_json(all));
                         add_meta(reply, answer.OBSOLETE_Index);
                         responder.send(std::move(reply));
                       });
}

}  // namespace proconsul::agent::http
