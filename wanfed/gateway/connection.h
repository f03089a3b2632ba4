// One client of a gateway, from its ClientHello to the end of both directions.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "base/net/loop.h"
#include "base/net/socket.h"
#include "base/result.h"
#include "wanfed/gateway/counters.h"
#include "wanfed/gateway/splice.h"
#include "wanfed/gateway/upstream.h"

namespace proconsul::wanfed::gateway {

class Worker;

/// On the loop's thread only; it lives in its worker's lists and tells the worker when it is over. Ends are passed on,
/// each direction for itself; a reset on one side is one on the other.
class Connection final : base::net::Timer {
 public:
  /// `peer`: "10.0.0.1:51234".
  Connection(Worker& worker, base::net::Fd client, std::string peer);
  /// Resets what is still open.
  ~Connection() override;

  /// Once it is in its list at `place`.
  void start(std::list<std::unique_ptr<Connection>>::iterator place);
  /// Looks anew at how long it may last.
  void review();
  /// Ends it; it is destroyed.
  void refuse(Refusal refusal, std::string_view detail = {});

 private:
  struct Side final : base::net::Pollable {
    explicit Side(Connection& connection) : owner(connection) {}
    void on_ready(std::uint32_t events) override { owner.on_ready(*this, events); }
    Connection& owner;
    base::net::Fd socket{};
    std::uint32_t events = 0;  // that are asked for
    bool is_watched = false;
  };
  struct Opening;

  void on_ready(Side& side, std::uint32_t events);
  void on_timer() override;
  void read_hello();
  void route();
  void dial();
  base::net::Clock::time_point dial_deadline(base::net::Clock::time_point now) const;
  void dialled(base::Result<base::net::Fd> result);
  void forward();
  void move(Flow& flow, Side& source, Side& sink);
  void silent();
  bool over() const;
  void watch(Side& side, std::uint32_t events);
  void forget(Side& side);
  void watch_both();
  void arm_timer();
  void finish();

  Worker& worker_;
  std::list<std::unique_ptr<Connection>>::iterator place_{};
  std::unique_ptr<Opening> opening_;  // until both sides stand
  std::shared_ptr<Upstream> upstream_{};
  std::string peer_;
  Side client_{*this}, server_{*this};
  Flow up_{}, down_{};
  base::net::Clock::time_point last_{};       // when bytes moved
  base::net::Clock::time_point forwarded_{};  // when its endpoint got the hello
  EndpointId endpoint_{};
  bool has_endpoint_ = false;
  bool is_listed_opening_ = true;
  bool answered_ = false;
  bool up_passed_ = false, down_passed_ = false;  // the end of that direction was passed on
  bool is_clean_ = false;                         // both ends were said: nothing to reset
};

}  // namespace proconsul::wanfed::gateway
