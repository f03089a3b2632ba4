// Reads over the replicated state: consistency modes, and blocking queries, of which equal ones share one evaluation
// and one encoded answer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/http/connection.h"
#include "agent/http/context.h"
#include "agent/http/route.h"
#include "base/watch.h"

namespace proconsul::agent::http {

class Worker;

/// All connections of one loop that wait for the same answer.
struct ReadGroup {
  std::string key{};
  std::uint64_t token = 0;
  const Route* route = nullptr;
  std::shared_ptr<const Request> request{};
  base::KeySet keys{};
  base::Watch watch{};
  // The last evaluation.
  base::Result<Answer> answer{};
  std::string hash{};
  ReadMeta meta{};
  std::vector<std::pair<std::uint64_t, std::shared_ptr<const std::string>>> wires{};  // by form
  std::vector<std::uint64_t> waiters{};                                               // connection ids
  bool verifying = false;
  bool went_back = false;  // its index fell: the state is another one, and waiters must begin anew
};

/// How many connections of the process wait for a change. Any thread.
std::size_t blocking_queries();

class ReadGroups final : public base::WakeSink {
 public:
  explicit ReadGroups(Worker& worker);
  ~ReadGroups() override;

  /// Answers or parks the connection.
  void start(Connection& connection, const Request& request);
  void leave(Connection& connection);
  void expire(Connection& connection);
  /// What was put off is not done any more.
  void stop() { *stopped_ = true; }

 private:
  void wake(std::vector<std::uint64_t> tokens) override;  // from the thread that publishes
  void woken(std::uint64_t token);
  void ask_who(ReadGroup& group);
  /// Asks for the token of the group's request first, if that has to be.
  bool fetches(ReadGroup& group);
  void serve(ReadGroup& group);

  void answer(Connection& connection, const Request& request);
  void block(Connection& connection, const Request& request);
  void evaluate(ReadGroup& group);
  void evaluate_and_watch(ReadGroup& group);
  bool ready(const ReadGroup& group, const Waiter& waiter) const;
  void send(ReadGroup& group, Connection& connection);
  void add(ReadGroup& group, Connection& connection, std::uint64_t min_index);
  void drop_if_idle(ReadGroup& group);
  bool look_up(Connection& connection, const Request& request);
  ReadMeta meta_of(const Answer& answer, const Request& request, const Route& route) const;
  base::Result<HashedAnswer> hashed(const Route& route, const Request& request, base::KeySet* keys) const;

  struct Verification {
    std::uint64_t connection;
    std::shared_ptr<const Request> request;
    base::net::Clock::time_point give_up;  // to look for a leader
  };
  base::net::Clock::time_point patience() const;
  void verify(Connection& connection, std::shared_ptr<const Request> request, base::net::Clock::time_point give_up);
  void launch_verification();
  void verified(const base::Result<>& result);
  void look_for_leader(std::uint64_t connection, std::shared_ptr<const Request> request,
                       base::net::Clock::time_point give_up);

  Worker& worker_;
  std::unordered_map<std::string_view, std::unique_ptr<ReadGroup>> groups_{};
  std::unordered_map<std::uint64_t, ReadGroup*> by_token_{};
  std::uint64_t next_token_ = 1;
  std::vector<Verification> unverified_{};
  std::vector<Verification> in_flight_{};
  std::shared_ptr<bool> stopped_ = std::make_shared<bool>(false);  // outlives us in tasks that are put off
  std::uint64_t jitter_ = 0x9e3779b97f4a7c15;
};

}  // namespace proconsul::agent::http
