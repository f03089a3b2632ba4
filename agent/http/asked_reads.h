// Reads that other servers answer (ask.h): each is one call, which waits for a change there, and is given up when its
// client goes.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "agent/http/answer_cache.h"
#include "agent/http/ask.h"
#include "agent/http/connection.h"
#include "agent/http/route.h"
#include "agent/rpc/caller.h"
#include "base/result.h"

namespace proconsul::agent::http {

class Worker;

/// Of the connections of one loop.
class AskedReads {
 public:
  AskedReads(Worker& worker, AnswerCache& cache) : worker_(worker), cache_(cache) {}

  /// Answers now, or when there is a reply.
  void start(Connection& connection, const Request& request);
  /// Its client is gone.
  void leave(const Connection& connection);
  /// The time of one that waits for the cache is over: what there is is answered.
  void expire(Connection& connection);

 private:
  struct Asked {
    std::shared_ptr<Request> request{};
    const Route* route = nullptr;
    Question question{};
    std::unique_ptr<rpc::Running> running{};
    std::uint64_t number = 0;  // no two have the same
    std::uint64_t ticket = 0;  // at the cache; 0: it does not wait there
  };
  bool viewed(const Request& request, const Route& route) const;
  bool start_cached(Connection& connection, const Request& request);
  void answer_cached(Connection& connection, const Asked& asked, const AnswerCache::Found& found);
  void found(std::uint64_t id, std::uint64_t number, const AnswerCache::Found& found);
  void call(std::uint64_t id, Asked& asked);
  void answered(std::uint64_t id, const base::Result<>& result);
  ReadMeta meta_of(const catalog::QueryMeta& known, const Request& request, const Route& route) const;
  bool ask_again(Asked& asked, const base::Result<>& result);

  Worker& worker_;
  AnswerCache& cache_;
  std::uint64_t last_number_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<Asked>> asked_{};  // by connection
};

}  // namespace proconsul::agent::http
