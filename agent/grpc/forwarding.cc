#include "agent/grpc/forwarding.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/log.h"

namespace proconsul::agent::grpc {

using base::net::field;
using base::net::H2Fields;

namespace {

const base::log::Logger kLog("agent.grpc.external");
constexpr std::string_view kForwarded = "/hashicorp.consul.";

/// Those that may be made again whatever failed.
constexpr std::array<std::string_view, 5> kReads = {
    "/hashicorp.consul.connectca.ConnectCAService/WatchRoots",
    "/hashicorp.consul.dataplane.DataplaneService/GetEnvoyBootstrapParams",
    "/hashicorp.consul.dataplane.DataplaneService/GetSupportedDataplaneFeatures",
    "/hashicorp.consul.internal.peerstream.PeerStreamService/StreamResources",
    "/hashicorp.consul.serverdiscovery.ServerDiscoveryService/WatchServers"};

/// What the client said to this agent alone.
bool is_own(std::string_view name) {
  return name.starts_with(':') || name == "user-agent" || name == "host" || name == "connection";
}

class Forwarded final : public Handler, RetriedCall::User {
 public:
  Forwarded(Call& call, Client& client, std::shared_ptr<Servers> servers)
      : call_(call), client_(client), servers_(std::move(servers)), path_(field(call.metadata(), ":path")) {}

  void received(std::string_view message) override {
    if (theirs_) return call_.end({Code::unimplemented, "streams of requests are not forwarded"});
    RetriedCall::Manner manner;
    for (const auto& each : call_.metadata()) {
      if (!is_own(each.first)) manner.metadata.push_back(each);
    }
    manner.reads = std::ranges::find(kReads, path_) != kReads.end();
    auto frame = std::make_shared<std::string>();
    append_frame(*frame, [&] { *frame += message; });
    kLog.debug("forwarding the request to the consul server", {{"method", path_}});
    RetriedCall::User& ear = *this;
    theirs_ =
        std::make_unique<RetriedCall>(call_.loop(), client_, servers_, path_, std::move(frame), ear, std::move(manner));
  }
  void finished() override {
    if (!theirs_) call_.end({Code::unknown, "EOF"});
  }
  void sent() override {
    if (theirs_) theirs_->consumed(std::exchange(unread_, 0));
  }

 private:
  void received(Frames message) override {
    unread_ += message->size();
    call_.send(std::move(message));
    if (!call_.tell_when_sent()) sent();
  }
  void ended(const Status& status) override { call_.end(status); }

  Call& call_;
  Client& client_;
  const std::shared_ptr<Servers> servers_;
  const std::string path_;
  std::unique_ptr<RetriedCall> theirs_{};
  std::size_t unread_ = 0;
};

}  // namespace

void forward_to_servers(Services& services, Client& client, std::shared_ptr<Servers> servers) {
  services.set_fallback({.name = "",
                         .shape = Shape::both_stream,
                         .start = [&client, servers = std::move(servers)](Call& call) -> std::unique_ptr<Handler> {
                           const std::string_view path = field(call.metadata(), ":path");
                           if (path.starts_with(kForwarded)) {
                             return std::make_unique<Forwarded>(call, client, servers);
                           }
                           call.end({Code::unimplemented, "Unknown method " + std::string(path)});
                           return nullptr;
                         },
                         .sees_path = true});
}

}  // namespace proconsul::agent::grpc
