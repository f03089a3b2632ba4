#include "agent/grpc/subscriber.h"

#include <utility>

namespace proconsul::agent::grpc {

namespace {

constexpr const char* kSubscribePath = "/subscribe.StateChangeSubscription/Subscribe";

/// The servers of another datacenter.
class Elsewhere final : public Servers {
 public:
  Elsewhere(rpc::Cluster& cluster, std::string datacenter) : cluster_(cluster), datacenter_(std::move(datacenter)) {}
  base::Result<rpc::Target> choose() override { return cluster_.route(datacenter_); }
  void failed(const rpc::Target& server, const Status& status) override {
    cluster_.failed(server, {base::Errc::unavailable, status.message});
  }

 private:
  rpc::Cluster& cluster_;
  const std::string datacenter_;
};

}  // namespace

ServersOf servers_elsewhere(rpc::Cluster& cluster) {
  return [&cluster](const std::string& datacenter) { return std::make_shared<Elsewhere>(cluster, datacenter); };
}

Subscriber::Subscriber(Client& client, ServersOf servers) : client_(client), servers_(std::move(servers)) {}

std::unique_ptr<RetriedCall> Subscriber::subscribe(base::net::Loop& loop, const SubscribeRequest& request,
                                                   RetriedCall::User& user) const {
  auto frame = std::make_shared<std::string>();
  append_frame(*frame, [&] { schema().append(*frame, request); });
  return subscribe(loop, request.Datacenter, std::move(frame), user);
}

std::unique_ptr<RetriedCall> Subscriber::subscribe(base::net::Loop& loop, const std::string& datacenter, Frames request,
                                                   RetriedCall::User& user) const {
  return std::make_unique<RetriedCall>(loop, client_, servers_(datacenter), kSubscribePath, std::move(request), user);
}

}  // namespace proconsul::agent::grpc
