// The DNS server's part on one loop. Everything here belongs to the loop's thread.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/dns/recursion.h"
#include "agent/dns/remote_lookups.h"
#include "agent/dns/reply.h"
#include "agent/dns/resolver.h"
#include "agent/dns/server.h"
#include "agent/dns/settings.h"
#include "agent/server/server.h"
#include "base/metrics.h"
#include "base/net/loop.h"
#include "base/net/socket.h"
#include "catalog/store/store.h"

namespace proconsul::agent::dns {

class TcpConnection;
class UdpSocket;

/// What all workers share.
struct Shared {
  server::Server* server;  // null on a client agent
  rpc::Caller* caller;     // null: nobody else can be asked
  Eyes eyes{};
  catalog::ViewPtr nothing{};  // where there is no server: the state of none
  Images images{};
  Addresses addresses{};
};

/// Where an answer goes. Plain data: the socket may be gone by the time the answer is there.
struct Client {
  Transport transport{};
  std::uint64_t call{};                        // Worker::ask(); 0: a socket's
  std::shared_ptr<const std::string> token{};  // to look with; null: the agent's
  std::uint64_t connection{};                  // TCP
  UdpSocket* socket{};                         // lives as long as the worker
  sockaddr_storage address{};
  socklen_t address_size{};
  in6_addr local{};  // the address that was asked, where the socket has many
  int local_family = AF_UNSPEC;
};

class Worker {
 public:
  Worker(base::net::Loop& loop, Shared& shared, std::shared_ptr<const Settings> settings);
  ~Worker();
  base::net::Loop& loop() { return loop_; }

  void add_udp(base::net::Fd socket, bool any_address);
  void add_tcp(base::net::Fd listener);
  void reload(std::shared_ptr<const Settings> settings);
  void shut();
  std::size_t connections() const { return connections_.size(); }
  std::size_t waiting() const { return jobs_.size(); }

  /// Answers a message that came in another way; the client's call is set here.
  void ask(std::string_view message, Client client, std::move_only_function<void(std::string_view)> done);

  /// Prepares for a batch of messages: they are answered from one version of the state, with the agent's token or a
  /// given one.
  void begin_batch(const std::string* token = nullptr);
  void end_batch();
  /// Answers a message, into `out` (kBufferSize): its size. 0: there is no answer, or it comes later by itself.
  std::size_t answer(std::string_view message, const Client& client, std::span<char> out);
  /// A closed connection; it may be the caller.
  void close(std::uint64_t connection);
  /// Whether an answer for the connection is still to come.
  bool waits_for(std::uint64_t connection) const;
  /// The connection did something: it is the last to be closed for others.
  void active(std::uint64_t connection);

  std::span<char> out() { return out_; }

 private:
  /// A question that waits for others.
  struct Job {
    std::uint64_t id{};
    Query query{};
    std::string message{};
    Client client{};
    std::shared_ptr<const Settings> settings{};
    std::uint64_t seed{};
    base::net::Clock::time_point begin{};
    Externals externals{};
    std::vector<std::unique_ptr<Recursion>> recursions{};
    std::size_t outstanding = 0;
  };
  using Jobs = std::unordered_map<std::uint64_t, std::unique_ptr<Job>>;

  void look(const std::string* token);
  State state(const catalog::View& view) const;
  Outcome resolve(const Query& query, const Client& client, const Settings& settings, std::uint64_t seed,
                  const Externals& externals);
  std::size_t wait_for_others(Outcome outcome, const Query& query, std::string_view message, const Client& client,
                              std::uint64_t seed, base::net::Clock::time_point begin, std::span<char> out);
  void ask_others(Job& job);
  void recurse(Job& job);
  void arrived(std::uint64_t id);
  void resume(std::uint64_t id);
  void end(Job& job, std::string_view answer);
  std::size_t failure(const Settings& settings, const Query& query, const Client& client, std::span<char> out);
  void send(const Client& client, std::string_view answer);
  void measure(const Query& query, const Client& client, base::net::Clock::time_point begin, bool reverse);
  void accept(base::net::Fd socket);
  static std::string client_text(const Client& client);

  static constexpr std::size_t kMaxConnections = 1000;
  static constexpr std::size_t kMaxJobs = 512;

  base::net::Loop& loop_;
  Shared& shared_;
  std::shared_ptr<const Settings> settings_;
  Resolver resolver_;
  ReplyWriter writer_{};
  Reply reply_{};
  Wants wants_{};
  Query query_{};
  base::SeededRandom random_;
  std::vector<char> out_;

  // Of the current batch.
  base::Ref<const catalog::View> view_{};
  server::Leadership leadership_{};
  std::int64_t now_ = 0;
  std::string token_{};
  std::optional<tokens::Who> who_{};  // nothing: everything is shown
  bool refused_ = false;              // the token is not known
  bool has_looked_ = false;           // who_ and refused_ are of the token
  const std::shared_ptr<std::atomic<bool>> fetching_ = std::make_shared<std::atomic<bool>>(false);  // it is asked for
  base::net::Clock::time_point clock_{};

  std::vector<std::unique_ptr<UdpSocket>> sockets_{};
  std::vector<std::unique_ptr<base::net::Acceptor>> acceptors_{};
  struct Held {
    std::unique_ptr<TcpConnection> connection;
    std::list<std::uint64_t>::iterator place;
  };
  std::unordered_map<std::uint64_t, Held> connections_{};
  std::list<std::uint64_t> by_use_{};  // connections, the longest idle first
  std::optional<RemoteLookups> lookups_{};
  Jobs jobs_{};
  std::unordered_map<std::uint64_t, std::move_only_function<void(std::string_view)>> calls_{};  // that wait for a job
  std::uint64_t next_id_ = 1;

  base::metrics::Sample domain_time_;
  base::metrics::Sample reverse_time_;
  base::metrics::Counter stale_queries_;
  std::unordered_map<std::uint16_t, base::metrics::Sample> by_type_{};
};

}  // namespace proconsul::agent::dns
