#include "agent/http/snapshot_endpoint.h"

#include <utility>

#include "agent/http/ask.h"
#include "agent/http/pipe.h"
#include "agent/rpc/archive_call.h"
#include "agent/server/archives.h"
#include "agent/server/operator.h"
#include "agent/tokens/resolver.h"
#include "base/background.h"

namespace proconsul::agent::http {
namespace {

using base::Errc;
using base::Result;
using server::Operator;

Reply archive_reply(std::uint64_t index, bool known_leader, base::Duration last_contact) {
  Reply reply{.type = "application/x-gzip"};
  reply.header("X-Consul-Index", std::to_string(index));
  reply.header("X-Consul-Knownleader", known_leader ? "true" : "false");
  reply.header("X-Consul-Lastcontact", std::to_string(last_contact.nanoseconds / 1'000'000));
  reply.header("X-Consul-Query-Backend", "blocking-query");
  return reply;
}

/// The body stays empty, as clients expect.
Reply restored_reply(const std::vector<catalog::SnapshotLoss>& left_out) {
  Reply reply{.type = content::kOctets};
  if (!left_out.empty()) reply.header(server::kLeftOutHeader, server::header_value(left_out));
  return reply;
}

/// The headers go out now, the archive follows as the disk gives it.
Reply stream(Context& agent, Operator::Snapshot snapshot) {
  const server::Leadership leadership = agent.server->leadership();
  auto pipe = std::make_shared<Pipe>();
  Reply reply = archive_reply(snapshot.index, leadership.known, leadership.last_contact);
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
                          [responder = std::move(responder)](Result<std::vector<catalog::SnapshotLoss>> done) mutable {
                            if (!done) return responder.send(Result<Reply>(Errc::internal, done.error().detail));
                            responder.send(restored_reply(*done));
                          });
}

// Of another server.

/// Its archive, as it comes.
class ArchiveBody final : public BodySource {
 public:
  explicit ArchiveBody(std::shared_ptr<rpc::ArchiveCall> call) : call_(std::move(call)) {}
  ~ArchiveBody() override { call_->close(); }
  State pull(std::string& out, std::size_t limit, std::move_only_function<void()> wake) override {
    return call_->pull(out, limit, std::move(wake));
  }

 private:
  const std::shared_ptr<rpc::ArchiveCall> call_;
};

/// An upload that goes on to it.
class ArchiveUpload final : public BodySink {
 public:
  explicit ArchiveUpload(std::shared_ptr<rpc::ArchiveCall> call) : call_(std::move(call)) {}
  ~ArchiveUpload() override {
    if (!finished_) call_->close();
  }
  bool write(std::string_view bytes, std::move_only_function<void()> resume) override {
    return call_->write(bytes, std::move(resume));
  }
  void finish() override {
    finished_ = true;
    call_->finish();
  }

 private:
  const std::shared_ptr<rpc::ArchiveCall> call_;
  bool finished_ = false;
};

/// Whether a server that leads, or may be stale, does it itself.
bool is_local(const Context& agent, const Request& request) {
  return is_here(agent, request.options.datacenter) &&
         (request.has_param("stale") || agent.server->leadership().is_leader || !agent.archives);
}

/// A call under way keeps itself, until it is answered.
std::shared_ptr<rpc::ArchiveCall> begin_call(Context& agent, const Request& request, base::Int operation,
                                             Responder responder,
                                             Reply (*reply)(std::shared_ptr<rpc::ArchiveCall>,
                                                            const rpc::SnapshotResponse&)) {
  Result<base::net::Destination> server = agent.archives->archive_server(request.options.datacenter);
  if (!server) {
    responder.send(Result<Reply>(asked_error(server.error())));
    return nullptr;
  }
  rpc::SnapshotRequest wanted{};
  wanted.Datacenter = request.options.datacenter;
  wanted.Token = request.options.token;
  wanted.AllowStale = request.has_param("stale");
  wanted.Op = operation;
  auto keeper = std::make_shared<std::shared_ptr<rpc::ArchiveCall>>();
  auto call = rpc::ArchiveCall::start(
      base::net::Loop::current(), std::move(*server), wanted,
      [keeper, reply, responder = std::move(responder)](Result<rpc::SnapshotResponse> response) mutable {
        std::shared_ptr<rpc::ArchiveCall> answered = std::exchange(*keeper, nullptr);
        if (!response) return responder.send(Result<Reply>(asked_error(response.error())));
        responder.send(reply(std::move(answered), *response));
      });
  *keeper = call;
  return call;
}

}  // namespace

void snapshot_save(Context& agent, const Request& request, Responder responder) {
  if (!is_local(agent, request)) {
    begin_call(agent, request, 0, std::move(responder),
               [](std::shared_ptr<rpc::ArchiveCall> call, const rpc::SnapshotResponse& response) {
                 Reply reply = archive_reply(response.Index, response.KnownLeader, response.LastContact);
                 reply.source = std::make_unique<ArchiveBody>(std::move(call));
                 return reply;
               });
    return;
  }
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
  // An upload does not wait for who sends it to be found out: the server port does, also this server's own.
  const bool unknown_sender = agent.tokens && agent.tokens->fetches() && agent.archives;
  if (!is_local(agent, request) || unknown_sender) {
    std::shared_ptr<rpc::ArchiveCall> call =
        begin_call(agent, request, 1, std::move(responder),
                   [](std::shared_ptr<rpc::ArchiveCall>, const rpc::SnapshotResponse& response) {
                     return restored_reply(response.LeftOut);
                   });
    return call ? std::make_unique<ArchiveUpload>(std::move(call)) : nullptr;
  }
  auto pipe = std::make_shared<Pipe>();
  agent.background->run([&agent, pipe, responder = std::move(responder)]() mutable {
    PipeSource upload(pipe);
    restore(agent, upload, std::move(responder));
  });
  return std::make_unique<PipeUpload>(std::move(pipe));
}

}  // namespace proconsul::agent::http
