// One client connection, or one request of a client that speaks HTTP/2: a small state machine on one loop. While it is
// idle or parked it owns no buffer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/http/encode.h"
#include "agent/http/parser.h"
#include "agent/http/reply.h"
#include "base/net/loop.h"
#include "base/net/socket.h"
#include "base/net/tls.h"

namespace proconsul::agent::http {

class Carrier;
class Worker;
struct ReadGroup;

/// A connection's place among the waiters of a parked query.
struct Waiter {
  ReadGroup* group = nullptr;
  std::uint64_t min_index = 0;
  std::uint32_t place = 0;
  bool saw_absent = false;
};

class Connection final : public base::net::Pollable, public base::net::Timer {
 public:
  Connection(Worker& worker, std::uint64_t id, base::net::Fd socket, std::shared_ptr<base::net::TlsContext> tls);
  /// `carrier` outlives it, or says hang_up().
  Connection(Worker& worker, std::uint64_t id, Carrier& carrier);
  ~Connection() override;
  void start();

  // For the carrier.
  bool hears() const;
  void take(std::string_view data) { consume(data); }
  void drained();
  /// The client is gone, or has lost interest.
  void hang_up();

  std::uint64_t id() const { return id_; }
  /// One of its client's connections, and not merely a part of one.
  bool counts() const { return counts_; }
  Exchange& exchange() { return exchange_; }
  const Exchange& exchange() const { return exchange_; }
  Waiter& waiter() { return waiter_; }

  /// The handler answers later: no further request is read until reply().
  void wait() { phase_ = Phase::waiting; }
  /// A parked query; `deadline` ends the wait.
  void park(base::net::Clock::time_point deadline);
  /// A query that others wait for: it ends when they answer, or the client goes.
  void park() { phase_ = Phase::parked; }
  void reply(Reply reply, const ReadMeta* meta = nullptr);
  /// An answer that many connections share, head and all.
  void reply(std::shared_ptr<const std::string> wire, int status, bool close);
  /// After a reply that did not come from within the handler: goes on with what was read meanwhile.
  void resume();
  /// A source or a sink asks to go on.
  void wake();
  void close();
  bool closed() const { return closed_; }

 private:
  enum class Phase : std::uint8_t { handshake, reading, uploading, waiting, parked, writing, lingering };
  struct Inbound;
  struct Outbound;

  void on_ready(std::uint32_t events) override;
  void on_timer() override;
  void handshake();
  void speak_h2();
  void read();
  void consume(std::string_view data);
  void begin(std::string_view head, std::string_view& data, Framing framing);
  void feed(std::string_view& data);
  void run_inbound();
  void stash(std::string_view data);
  Inbound& inbound();
  void reject(Malformed malformed);
  void leave_unread(const Framing& framing, std::string_view& data, Reply& reply);
  void send(std::string& head, Body& body, std::unique_ptr<BodySource> source);
  std::size_t write(std::string_view head, const Body& body, std::size_t from);
  void flush();
  bool pull();
  void finish();
  void linger();
  void listen_for(std::uint32_t events);
  void arm_in(base::Duration delay);

  Worker& worker_;
  const std::uint64_t id_;
  base::net::Fd socket_;
  Carrier* carrier_ = nullptr;  // in place of the socket, until the end
  Phase phase_ = Phase::reading;
  bool counts_ = true;
  bool closed_ = false;
  bool close_after_ = false;
  bool consuming_ = false;
  bool broken_ = false;
  std::uint32_t interest_ = 0;
  std::uint64_t skip_ = 0;  // bytes of an unread body that are still to come
  Exchange exchange_{};
  Waiter waiter_{};
  std::unique_ptr<Inbound> in_{};
  std::unique_ptr<Outbound> out_{};
  std::unique_ptr<base::net::TlsStream> tls_{};
};

}  // namespace proconsul::agent::http
