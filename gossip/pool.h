// A pool as an agent uses it: sockets, SWIM, serf, its snapshot and its keyring together on one loop.
//
//   auto lan = Pool::start(loops.next(), std::move(config), handler);        // this node alone
//   (*lan)->join(addresses, true, [](base::Result<swim::JoinOutcome> outcome) { ... });
//   for (auto [name, member] : (*lan)->view()->members.all()) ...            // any thread, no lock
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/net/channel.h"
#include "base/net/loop.h"
#include "base/ref.h"
#include "base/result.h"
#include "gossip/keyring.h"
#include "gossip/serf/event.h"
#include "gossip/serf/keys.h"
#include "gossip/serf/query.h"
#include "gossip/serf/serf.h"
#include "gossip/serf/settings.h"
#include "gossip/swim/membership.h"

namespace proconsul::gossip::swim {
class Detour;
}

namespace proconsul::gossip {

struct PoolConfig {
  serf::Settings settings = serf::Settings::consul_lan();  // name, tags, timing, merge rule ...
  std::string logger = "agent.server";                     // lines come from LOGGER.serf.NETWORK and the like
  std::string network = "lan";
  std::string bind_ip = "127.0.0.1";
  std::uint16_t bind_port = 0;       // 0: a free one
  swim::Address advertise{};         // what is missing of it is what is bound
  std::optional<Keyring> keyring{};  // none: plaintext
  std::string keyring_file{};        // where changes of it are kept; empty: nowhere
  bool verify_incoming = true;       // with a keyring, plaintext is refused
  bool verify_outgoing = true;       // with a keyring, nothing is sent in plaintext
  std::string snapshot_file{};       // empty: nothing is remembered
  swim::Detour* detour = nullptr;    // of members that the pool's sockets do not reach; outlives the pool
};

/// Who is there at one time.
struct PoolView : base::RefCounted {
  std::string local_name{};
  serf::MemberTree members{};          // of any status, by name
  serf::CoordinateTree coordinates{};  // of those that were pinged, and the local one
  const serf::Member* local() const { return members.get(local_name); }
};
using PoolViewPtr = base::Ref<const PoolView>;

/// What is told of a pool, on its loop's thread, after the view shows it. Everything may be asked of the pool from
/// here, but not its end. The first news may come before Pool::start has returned to its caller.
class PoolHandler {
 public:
  virtual ~PoolHandler() = default;
  virtual void member_event(const serf::MemberEvent& event) = 0;
  virtual void user_event(const serf::UserEventMessage& event) = 0;
  /// Answer with Pool::respond.
  virtual void query(serf::IncomingQuery query) = 0;
  /// See Observer::name_conflict_lost; only where the settings resolve conflicts.
  virtual void name_conflict_lost() {}
};

/// Any thread may call; what is called back is called on the loop's thread, or not at all if the pool ends before.
class Pool {
 public:
  using Done = std::move_only_function<void(base::Result<>)>;
  template <class T>
  using DoneWith = std::move_only_function<void(base::Result<T>)>;

  /// Binds and begins to join those known from before. `handler` outlives the pool, and `loop` runs until it has ended.
  /// Errors: the port is taken, the tags are too long, a file cannot be read.
  static base::Result<std::unique_ptr<Pool>> start(base::net::Loop& loop, PoolConfig config, PoolHandler& handler);
  /// Without a goodbye. Afterwards nothing is called any more, and files are written.
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  std::uint16_t port() const { return port_; }
  PoolViewPtr view() const;
  serf::Stats stats() const;

  /// One after the other. The outcome says of each that was not joined why.
  void join(std::vector<swim::Address> addresses, bool ignore_old, DoneWith<swim::JoinOutcome> done);
  void leave(Done done);
  void force_leave(std::string name, bool prune, Done done);
  void set_tags(base::Map<std::string> tags, Done done);
  void user_event(std::string name, base::Bytes payload, bool coalesce, Done done);
  void query(std::string name, base::Bytes payload, serf::QueryParams params, serf::QuerySinks sinks,
             DoneWith<serf::QueryHandle> asked);
  void close_query(serf::QueryHandle query);
  void respond(serf::IncomingQuery query, base::Bytes payload, Done done);
  void key_operation(serf::KeyOperation operation, std::string key, std::uint8_t relay_factor, serf::KeyDone done);

  /// What came by the detour; on the loop's thread.
  void take_packet(const swim::Address& from, std::string_view bytes);
  void take_stream(const swim::Address& from, base::net::ChannelPtr channel);

 private:
  class Inner;
  explicit Pool(base::net::Loop& loop) : loop_(loop) {}
  template <class Work>
  void post(Work work);

  base::net::Loop& loop_;
  std::shared_ptr<Inner> inner_{};
  std::uint16_t port_ = 0;
};

}  // namespace proconsul::gossip
