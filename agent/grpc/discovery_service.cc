#include "agent/grpc/discovery_service.h"

#include <optional>
#include <string>
#include <utility>

#include "agent/grpc/public_messages.h"
#include "base/random.h"

namespace proconsul::agent::grpc {

using base::Result;

class DiscoveryService::Watch final : public Followed {
 public:
  Watch(Call& call, DiscoveryService& service) : Followed(call, service.followers_), service_(service) {}

 private:
  Result<> take(std::string_view message) override {
    WatchServersRequest request;
    if (Result<> parsed = public_schema().parse(message, request); !parsed) return parsed;
    wan_ = request.wan;
    ticket_ = service_.ready_.follow(call().loop(), [this](const ReadyServers::List& servers) {
      servers_ = servers;
      shown_ = encode();
      look();
    });
    return {};
  }
  Result<std::optional<std::string>> show(const catalog::View&, base::KeySet&) override { return shown_; }

  /// In any order, so that not all data planes choose the same one.
  std::string encode() const {
    WatchServersResponse response;
    for (const ServerPlace& each : *servers_) {
      response.servers.push_back(
          {.id = each.id, .address = wan_ && !each.wan.empty() ? each.wan : each.address, .version = each.version});
    }
    base::Random& random = base::system_random();
    for (std::size_t i = response.servers.size(); i > 1; --i) {
      std::swap(response.servers[i - 1], response.servers[random.below(i)]);
    }
    std::string out;
    public_schema().append(out, response);
    return out;
  }

  DiscoveryService& service_;
  bool wan_ = false;
  ReadyServers::List servers_{};
  std::optional<std::string> shown_{};
  ReadyServers::Ticket ticket_{};  // goes first
};

void DiscoveryService::add_to(Services& services) {
  services.add("hashicorp.consul.serverdiscovery.ServerDiscoveryService",
               {{.name = "WatchServers",
                 .shape = Shape::server_stream,
                 .start = [this](Call& call) { return std::make_unique<Watch>(call, *this); },
                 .load = Load::read}});
}

}  // namespace proconsul::agent::grpc
