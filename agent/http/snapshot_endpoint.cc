#include "agent/http/snapshot_endpoint.h"

#include <utility>

#include "agent/http/pipe.h"
#include "agent/server/archives.h"
#include "agent/server/operator.h"
#include "base/background.h"

namespace proconsul::agent::http {
namespace {

using base::Errc;
using base::Result;
using server::Operator;

/// The headers go out now, the archive follows as the disk gives it.
Reply stream(Context& agent, Operator::Snapshot snapshot) {
  const server::Leadership leadership = agent.server->leadership();
  auto pipe = std::make_shared<Pipe>();
  Reply reply{.type = "application/x-gzip"};
  reply.header("X-Consul-Index", std::to_string(snapshot.index));
  reply.header("X-Consul-KnownLeader", leadership.known ? "true" : "false");
  reply.header("X-Consul-LastContact", std::to_string(leadership.last_contact.nanoseconds / 1'000'000));
  reply.header("X-Consul-Query-Backend", "blocking-query");
  reply.source = std::make_unique<PipeBody>(pipe);
  server::send_archive(*agent.background, std::move(snapshot), std::move(pipe));
  return reply;
}

void save(Context& agent, Responder responder) {
  agent.cluster->take_snapshot([&agent, responder = std::move(responder)](Result<Operator::Snapshot> snapshot) mutable {
    if (!snapshot) return responder.send(Result<Reply>(Errc::internal, snapshot.error().detail));
    responder.send(stream(agent, std::move(*snapshot)));
  });
}

void restore(Context& agent, raft::ByteSource& upload, Responder responder) {
  server::receive_archive(*agent.cluster, agent.settings.scratch_directory, upload,
                          [responder = std::move(responder)](Result<> done) mutable {
                            if (!done) return responder.send(Result<Reply>(Errc::internal, done.error().detail));
                            responder.send(Reply{.type = content::kOctets});
                          });
}

}  // namespace

void snapshot_save(Context& agent, const Request& request, Responder responder) {
  if (request.has_param("stale")) return save(agent, std::move(responder));
  agent.server->verify_leader([&agent, responder = std::move(responder)](Result<> leads) mutable {
    if (!leads) return responder.send(Result<Reply>(leads.error()));
    save(agent, std::move(responder));
  });
}

std::unique_ptr<BodySink> snapshot_restore(Context& agent, const Request& request, Responder responder) {
  if (request.has_param("stale")) {
    responder.send(Result<Reply>(Errc::internal, "stale not allowed for restore"));
    return nullptr;
  }
  auto pipe = std::make_shared<Pipe>();
  agent.background->run([&agent, pipe, responder = std::move(responder)]() mutable {
    PipeSource upload(pipe);
    restore(agent, upload, std::move(responder));
  });
  return std::make_unique<PipeUpload>(std::move(pipe));
}

}  // namespace proconsul::agent::http
