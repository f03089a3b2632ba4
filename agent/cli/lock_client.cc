#include "agent/cli/lock_client.h"

#include <chrono>
#include <set>

#include "agent/cli/kv_client.h"
#include "base/path.h"

namespace proconsul::agent::cli {

/// The value of a semaphore's key: who holds a place.
struct SemaphoreHolders {
  base::Int Limit{};
  base::Map<bool> Holders{};  // by session
};
PROCONSUL_DECLARE_TYPE(SemaphoreHolders)

PROCONSUL_DESCRIBE_TYPE(SemaphoreHolders, "api.semaphoreLock") {
  type.field("Limit", &SemaphoreHolders::Limit);
  type.field("Holders", &SemaphoreHolders::Holders);
}

namespace {

using base::Errc;
using base::Result;
using Clock = std::chrono::steady_clock;
using Pairs = base::List<KvPair>;

// Keys of the two kinds are told apart by their flags, the same in every client.
constexpr std::uint64_t kLockFlags = 0x2ddccbc058a50c18;
constexpr std::uint64_t kSemaphoreFlags = 0xe0f69a2baa414de0;
constexpr base::Duration kSessionTtl = base::seconds(15);
constexpr base::Duration kLookWait = base::seconds(15);  // of one blocking look at a taken lock
constexpr base::Duration kDelay = base::seconds(5);      // between attempts while a lock delay is in effect
constexpr base::Duration kRetryPause = base::seconds(1);

std::string milliseconds_text(base::Duration duration) {
  const std::int64_t count = duration.nanoseconds / 1'000'000;
  return std::to_string(duration.nanoseconds > 0 && count == 0 ? 1 : count) + "ms";
}

// Whether a failed look may be the agent's or the network's passing trouble.
bool is_passing(const base::Error& error) {
  return error.detail.find("Unexpected response code: 500") != std::string::npos ||
         error.detail.find("Get \"") != std::string::npos;
}

base::Error explained(std::string_view what, const base::Error& error) {
  return {error.code, std::string(what) + error.detail};
}

class Mutex final : public LockClient {
 public:
  using LockClient::LockClient;
  ~Mutex() override { stop_monitoring(); }

 private:
  std::string session_body() const override {
    return base::to_json(SessionRequest{.Name = options().session_name, .TTL = base::to_string(kSessionTtl)});
  }
  Result<> enter(ApiClient&, const std::string&) override { return {}; }

  Result<KvAnswer<Pairs>> read(ApiClient& client, base::Duration wait, std::uint64_t index) const {
    ApiRequest request = client.request("GET", "/v1/kv/" + key());
    if (wait.nanoseconds > 0) request.set("wait", milliseconds_text(wait));
    if (index != 0) request.set("index", std::to_string(index));
    return read_kv<Pairs>(client, request);
  }

  Result<Look> attempt(ApiClient& client, const std::string& session, base::Duration wait,
                       std::uint64_t index) override {
    Result<KvAnswer<Pairs>> seen = read(client, wait, index);
    if (!seen) return explained("failed to read lock: ", seen.error());
    if (!seen->value.empty()) {
      const KvPair& pair = seen->value.front();
      if (pair.Flags != kLockFlags) return {Errc::conflict, "Existing key does not match lock use"};
      if (pair.Session == session) return Look{.attempt = Attempt::held};
      if (!pair.Session.empty()) return Look{.attempt = Attempt::taken, .index = seen->index};
    }
    ApiRequest request = client.request("PUT", "/v1/kv/" + key());
    request.set("flags", std::to_string(kLockFlags));
    request.set("acquire", session);
    const Result<bool> acquired = write_kv(client, std::move(request), key());
    if (!acquired) return explained("failed to acquire lock: ", acquired.error());
    if (*acquired) return Look{.attempt = Attempt::held};

    // Somebody was faster, or the lock delay of a lost session has not passed yet.
    seen = read(client, wait, 0);
    if (!seen) return seen.error();
    const bool taken = !seen->value.empty() && !seen->value.front().Session.empty();
    return Look{.attempt = taken ? Attempt::taken : Attempt::delayed, .index = seen->index};
  }

  Result<> leave(ApiClient& client, const std::string& session) override {
    ApiRequest request = client.request("PUT", "/v1/kv/" + key());
    request.set("flags", std::to_string(kLockFlags));
    request.set("release", session);
    const Result<bool> released = write_kv(client, std::move(request), key());
    if (!released) return explained("failed to release lock: ", released.error());
    return {};  // false: it was lost already
  }

  Result<> remove(ApiClient& client) override {
    const Result<KvAnswer<Pairs>> seen = read(client, {}, 0);
    if (!seen) return explained("failed to read lock: ", seen.error());
    if (seen->value.empty()) return {};
    const KvPair& pair = seen->value.front();
    if (pair.Flags != kLockFlags) return {Errc::internal, "Existing key does not match lock use"};
    if (!pair.Session.empty()) return {Errc::conflict, "Lock in use"};
    ApiRequest request = client.request("DELETE", "/v1/kv/" + key());
    request.set("cas", std::to_string(pair.ModifyIndex));
    const Result<bool> removed = write_kv(client, std::move(request), key());
    if (!removed) return explained("failed to remove lock: ", removed.error());
    if (!*removed) return {Errc::conflict, "Lock in use"};
    return {};
  }

  Result<Held> look(ApiClient& client, const std::string& session, std::uint64_t index) override {
    ApiRequest request = client.request("GET", "/v1/kv/" + key());
    request.set("consistent", "");
    if (index != 0) request.set("index", std::to_string(index));
    const Result<KvAnswer<Pairs>> seen = read_kv<Pairs>(client, request);
    if (!seen) return seen.error();
    return Held{.held = !seen->value.empty() && seen->value.front().Session == session, .index = seen->index};
  }
};

class Semaphore final : public LockClient {
 public:
  using LockClient::LockClient;
  ~Semaphore() override { stop_monitoring(); }

 private:
  std::string session_body() const override {
    // When the session ends, its entry below the prefix goes with it; that is how others see that the place is free.
    return base::to_json(
        SessionRequest{.Name = options().session_name, .TTL = base::to_string(kSessionTtl), .Behavior = "delete"});
  }

  std::string entry(const std::string& session) const { return base::join_path(options().prefix, session); }

  Result<> enter(ApiClient& client, const std::string& session) override {
    ApiRequest request = client.request("PUT", "/v1/kv/" + entry(session));
    request.set("flags", std::to_string(kSemaphoreFlags));
    request.set("acquire", session);
    const Result<bool> made = write_kv(client, std::move(request), entry(session));
    if (!made) return explained("failed to make contender entry: ", made.error());
    if (!*made) return {Errc::internal, "failed to make contender entry: " + entry(session) + " is locked"};
    return {};
  }

  struct State {
    SemaphoreHolders holders{};
    std::uint64_t modify_index{};  // of the key; 0: there is none
    std::uint64_t index{};
  };

  Result<SemaphoreHolders> holders_of(const KvPair* pair) const {
    if (pair == nullptr || pair->Value.is_nil()) return SemaphoreHolders{.Limit = options().limit};
    Result<SemaphoreHolders> holders = base::from_json<SemaphoreHolders>(pair->Value);
    if (!holders) return explained("lock decoding failed: ", holders.error());
    return holders;
  }

  // The key below the prefix, without the holders whose sessions have ended.
  Result<State> read(ApiClient& client, ApiRequest request) const {
    request.set("recurse", "");
    const Result<KvAnswer<Pairs>> seen = read_kv<Pairs>(client, request);
    if (!seen) return explained("failed to read prefix: ", seen.error());
    State state{.index = seen->index};
    const KvPair* lock = nullptr;
    std::set<std::string_view> alive;
    for (const KvPair& pair : seen->value) {
      if (pair.Key == key()) lock = &pair;
      if (!pair.Session.empty()) alive.insert(pair.Session);
    }
    if (lock != nullptr && lock->Flags != kSemaphoreFlags) {
      return {Errc::internal, "Existing key does not match semaphore use"};
    }
    Result<SemaphoreHolders> holders = holders_of(lock);
    if (!holders) return holders.error();
    state.holders = std::move(*holders);
    if (lock != nullptr) state.modify_index = lock->ModifyIndex;
    std::erase_if(state.holders.Holders, [&](const auto& holder) { return !alive.contains(holder.first); });
    return state;
  }

  Result<bool> write(ApiClient& client, SemaphoreHolders holders, std::uint64_t modify_index) const {
    holders.Holders.make_present();
    ApiRequest request = client.request("PUT", "/v1/kv/" + key());
    request.set("flags", std::to_string(kSemaphoreFlags));
    request.set("cas", std::to_string(modify_index));
    request.body = base::to_json(holders);
    Result<bool> written = write_kv(client, std::move(request), key());
    if (!written) return explained("failed to update lock: ", written.error());
    return written;
  }

  Result<Look> attempt(ApiClient& client, const std::string& session, base::Duration wait,
                       std::uint64_t index) override {
    ApiRequest request = client.request("GET", "/v1/kv/" + options().prefix);
    request.set("wait", milliseconds_text(wait));
    if (index != 0) request.set("index", std::to_string(index));
    Result<State> state = read(client, std::move(request));
    if (!state) return state.error();
    if (state->holders.Limit != options().limit) {
      return {Errc::internal, "semaphore limit conflict (lock: " + std::to_string(state->holders.Limit) +
                                  ", local: " + std::to_string(options().limit) + ')'};
    }
    if (static_cast<std::int64_t>(state->holders.Holders.size()) >= options().limit) {
      return Look{.attempt = Attempt::taken, .index = state->index};
    }
    state->holders.Holders[session] = true;
    const Result<bool> written = write(client, state->holders, state->modify_index);
    if (!written) return written.error();
    return Look{.attempt = *written ? Attempt::held : Attempt::lost_race};
  }

  Result<> leave(ApiClient& client, const std::string& session) override {
    while (true) {
      const Result<KvAnswer<Pairs>> seen = read_kv<Pairs>(client, client.request("GET", "/v1/kv/" + key()));
      if (!seen) return seen.error();
      const KvPair* pair = seen->value.empty() ? nullptr : &seen->value.front();
      Result<SemaphoreHolders> holders = holders_of(pair);
      if (!holders) return holders.error();
      if (holders->Holders.erase(session) == 0) break;
      const Result<bool> written = write(client, *holders, pair == nullptr ? 0 : pair->ModifyIndex);
      if (!written) return written.error();
      if (*written) break;
    }
    const Result<ApiResponse> deleted = client.call(client.request("DELETE", "/v1/kv/" + entry(session)));
    if (!deleted) return deleted.error();
    return {};
  }

  Result<> remove(ApiClient& client) override {
    const Result<State> state = read(client, client.request("GET", "/v1/kv/" + options().prefix));
    if (!state) return state.error();
    if (state->modify_index == 0) return {};
    if (!state->holders.Holders.empty()) return {Errc::conflict, "Semaphore in use"};
    ApiRequest request = client.request("DELETE", "/v1/kv/" + key());
    request.set("cas", std::to_string(state->modify_index));
    const Result<bool> removed = write_kv(client, std::move(request), key());
    if (!removed) return explained("failed to remove semaphore: ", removed.error());
    if (!*removed) return {Errc::conflict, "Semaphore in use"};
    return {};
  }

  Result<Held> look(ApiClient& client, const std::string& session, std::uint64_t index) override {
    ApiRequest request = client.request("GET", "/v1/kv/" + options().prefix);
    request.set("consistent", "");
    if (index != 0) request.set("index", std::to_string(index));
    const Result<State> state = read(client, std::move(request));
    if (!state) return state.error();
    return Held{.held = state->holders.Holders.contains(session), .index = state->index};
  }
};

}  // namespace

LockClient::LockClient(ApiConfig config, LockOptions options, base::Interrupt& stop, std::function<void()> lost)
    : config_(std::move(config)),
      options_(std::move(options)),
      key_(base::join_path(options_.prefix, ".lock")),
      stop_(stop),
      lost_(std::move(lost)) {}

LockClient::~LockClient() = default;

void LockClient::stop_monitoring() {
  stop_monitor_.raise();
  if (monitor_.joinable()) monitor_.join();
}

Result<std::unique_ptr<LockClient>> LockClient::make(ApiConfig config, LockOptions options, base::Interrupt& stop,
                                                     std::function<void()> lost) {
  std::unique_ptr<LockClient> client;
  if (options.limit == 1) {
    client = std::make_unique<Mutex>(std::move(config), std::move(options), stop, std::move(lost));
  } else {
    if (options.prefix.empty()) return {Errc::invalid_argument, "missing prefix"};
    client = std::make_unique<Semaphore>(std::move(config), std::move(options), stop, std::move(lost));
  }
  return client;
}

Result<bool> LockClient::acquire() {
  ApiConfig stoppable = config_;
  stoppable.interrupt = &stop_;
  Result<ApiClient> client = ApiClient::make(std::move(stoppable));
  if (!client) return client.error();
  Result<std::unique_ptr<KeptSession>> session = KeptSession::create(*client, config_, session_body(), kSessionTtl);
  if (!session) {
    if (stop_.raised()) return false;
    return explained("failed to create session: ", session.error());
  }
  session_ = std::move(*session);
  Result<bool> held = try_until_held(*client);
  if (!held && stop_.raised()) held = false;
  if (!held || !*held) {
    session_.reset();
    return held;
  }
  ApiConfig watching = config_;
  watching.interrupt = &stop_monitor_;
  Result<ApiClient> watcher = ApiClient::make(std::move(watching));
  if (!watcher) return watcher.error();
  monitor_ = std::thread([this, own = std::move(*watcher)]() mutable { monitor(std::move(own)); });
  return true;
}

Result<bool> LockClient::try_until_held(ApiClient& client) {
  if (Result<> entered = enter(client, session_->id()); !entered) return entered.error();
  const bool once = options_.wait.nanoseconds > 0;
  const Clock::time_point start = Clock::now();
  base::Duration wait = once ? options_.wait : kLookWait;
  std::uint64_t index = 0;
  for (bool first = true; !stop_.raised(); first = false) {
    if (once && !first) {
      const auto passed = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
      if (passed > options_.wait.nanoseconds) return false;
      wait = {options_.wait.nanoseconds - passed};
    }
    const Result<Look> look = attempt(client, session_->id(), wait, index);
    if (!look) return look.error();
    switch (look->attempt) {
      case Attempt::held:
        return true;
      case Attempt::taken:
        index = look->index;
        break;
      case Attempt::lost_race:
        break;
      case Attempt::delayed:
        index = 0;
        if (!stop_.sleep(kDelay)) return false;
        break;
    }
  }
  return false;
}

void LockClient::monitor(ApiClient client) {
  std::int64_t retries = options_.retries;
  std::uint64_t index = 0;
  while (!stop_monitor_.raised()) {
    const Result<Held> seen = look(client, session_->id(), index);
    if (stop_monitor_.raised()) return;
    if (!seen && retries > 0 && is_passing(seen.error())) {
      --retries;
      index = 0;
      if (!stop_monitor_.sleep(kRetryPause)) return;
      continue;
    }
    if (!seen || !seen->held) return lost_();
    retries = options_.retries;
    index = seen->index;
  }
}

Result<> LockClient::release() {
  stop_monitoring();
  Result<ApiClient> client = ApiClient::make(config_);
  if (!client) return client.error();
  const Result<> left = leave(*client, session_->id());
  session_.reset();
  return left;
}

Result<> LockClient::destroy() {
  Result<ApiClient> client = ApiClient::make(config_);
  if (!client) return client.error();
  return remove(*client);
}

}  // namespace proconsul::agent::cli
