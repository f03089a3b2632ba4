// /v1/stream: changes of the state as they happen, as server-sent events.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "agent/http/route.h"
#include "base/watch.h"
#include "catalog/store/changes.h"

namespace proconsul::agent::http {

/// Takes wake-ups of the store to the streams that wait for them. One per agent; outlives its streams.
class StreamHub final : public base::WakeSink {
 public:
  using Wake = std::move_only_function<void()>;
  explicit StreamHub(const catalog::ChangeLog& changes) : changes_(changes) {}

  std::uint64_t open();
  void close(std::uint64_t stream);
  /// The next wake-up of this stream calls it, once.
  void expect(std::uint64_t stream, Wake wake);
  /// Any thread: as if something had changed.
  void fire(std::uint64_t stream);
  /// The command before the commit that woke the stream since it was asked last; 0 if none did.
  std::uint64_t take_woken_behind(std::uint64_t stream);

 private:
  struct Entry {
    Wake wake{};
    std::uint64_t woken_behind = 0;
  };
  void wake(std::vector<std::uint64_t> streams) override;

  const catalog::ChangeLog& changes_;
  std::mutex mutex_{};  // guards what follows
  std::unordered_map<std::uint64_t, Entry> entries_{};
  std::uint64_t next_ = 1;
};

/// `?topic=kv|services|health|nodes`, `?prefix=` (kv) or `?name=` (the others), `?index=` or Last-Event-ID.
base::Result<Reply> change_stream(Context& agent, const Request& request);

}  // namespace proconsul::agent::http
