// What subscribers of the state's changes are sent: a snapshot of their subject as events, then the changes as they
// come. Equal subscriptions of one loop share what was encoded. The rules are those of streaming.md in the wire
// reference.
//
// There is one publisher for each event loop. It follows the store's change log from where its first subscriber came,
// so that nothing is missed, and knows nothing of connections: whoever subscribes decides how far it may fall behind.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/grpc/frame.h"
#include "agent/grpc/messages.h"
#include "agent/server/server.h"
#include "base/net/loop.h"
#include "base/watch.h"
#include "catalog/store/changes.h"

namespace proconsul::agent::grpc {

/// What a subscription is about.
struct Subject {
  Topic topic{};
  std::string key{};  // a service's name, in any letter case; empty with `wildcard`
  std::string peer{};
  bool wildcard = false;
};

/// On its loop, but for what it says of itself. Outlives the store's writer: see stop().
class EventPublisher final : base::WakeSink, base::net::Timer {
 public:
  class Subscriber {
   public:
    virtual ~Subscriber() = default;
    /// Events in order. False: it wants no more, and is forgotten. Must not call the publisher.
    virtual bool deliver(const Frames& events) = 0;
    /// It is forgotten: the state was replaced, or changes were missed. Must not call the publisher.
    virtual void closed() = 0;
  };

  EventPublisher(base::net::Loop& loop, server::Server& server);
  ~EventPublisher() override;

  /// Delivers within the call: nothing if `index` is the newest that there is of the subject; else, after the word that
  /// a new snapshot follows (not for index 0), the snapshot. Then whatever changes.
  void subscribe(const Subject& subject, std::uint64_t index, Subscriber& subscriber);
  /// Unknown ones are passed over.
  void unsubscribe(Subscriber& subscriber);
  /// Before the store's writer ends; the publisher itself may only go after that.
  void stop();

 private:
  struct Seat {
    Subscriber* subscriber;
    std::uint64_t from;  // knows all up to this index
  };
  struct Feed {
    std::string key{};  // of feeds_
    Subject subject{};
    std::vector<Seat> seats{};
    std::uint64_t last_index = 0;        // of what was published last
    std::vector<std::string> pending{};  // events of the command that is being read
    Frames snapshot{};                   // null, or what it still is
    std::uint64_t snapshot_from = 0;     // the state that it shows
    std::uint64_t snapshot_index = 0;    // its own
    base::net::Clock::time_point snapshot_until{};
    std::string gateways{};  // of the mesh: the terminating gateways that serve it, as the snapshot knew them
  };
  using Feeds = std::unordered_map<std::string, std::unique_ptr<Feed>>;

  void wake(std::vector<std::uint64_t> tokens) override;
  void on_timer() override;
  void publish(std::optional<std::uint64_t> woken_behind);
  void follow(std::optional<std::uint64_t> woken_behind);
  /// Who subscribed to a service that other gateways serve by now has to begin anew.
  void close_regatewayed();
  bool read();
  void take(const catalog::Change& change);
  void add(Topic topic, std::string_view key, const std::string& event);
  void end_command();
  void close_all();
  void drop_if_empty(Feed& feed);
  /// If it is of a terminating gateway: the services that it serves and somebody follows in the mesh.
  std::vector<std::string> followed_services(const catalog::Change& change);
  Feed* find(Topic topic, std::string_view key);
  void make_snapshot(Feed& feed);

  base::net::Loop& loop_;
  server::Server& server_;
  const catalog::ChangeLog& log_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Feeds feeds_{};
  std::unordered_map<const Subscriber*, Feed*> subscribers_{};
  std::size_t connect_feeds_ = 0;
  std::uint64_t gateways_index_ = 0;  // that close_regatewayed() saw
  std::vector<Feed*> changed_{};      // with pending events
  std::uint64_t command_ = 0;         // whose changes are being read
  catalog::ChangeLog::Position position_{};
  base::Watch watch_{};
};

}  // namespace proconsul::agent::grpc
