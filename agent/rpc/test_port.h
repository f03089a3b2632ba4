// For tests: a server port over a bare store.
#pragma once

#include <string>

#include "agent/http/test_server.h"
#include "agent/rpc/dispatcher.h"
#include "agent/rpc/port.h"

namespace proconsul::agent::rpc::test {

/// Answers until it is stopped; then nobody listens at its address.
class StorePort {
 public:
  explicit StorePort(base::net::Loops& loops, std::string node = "s1")
      : node_(std::move(node)),
        pool_(loops, {}),
        dispatcher_(loops, Services{.server = server}, cluster_, pool_, {}),
        port_(loops, dispatcher_, {}),
        number_(*port_.listen("127.0.0.1", 0)) {}
  ~StorePort() { stop(); }
  void stop() {
    port_.stop();
    dispatcher_.stop();
    pool_.stop();
  }
  Target target() const { return {"dc1", node_, "127.0.0.1:" + std::to_string(number_)}; }

  http::test::StoreServer server{};

 private:
  const std::string node_;
  NoCluster cluster_{};
  Pool pool_;
  Dispatcher dispatcher_;
  Port port_;
  const std::uint16_t number_;
};

}  // namespace proconsul::agent::rpc::test
