// From the secret of a request to what it may do, where tokens, policies and roles are not at hand: they are asked for,
// and remembered for a while. So it is on client agents.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/tokens/compile.h"
#include "agent/tokens/store.h"
#include "agent/tokens/who.h"
#include "base/clock.h"
#include "base/result.h"
#include "catalog/types/acl.h"

namespace proconsul::agent::tokens {

/// Who has the tokens, policies and roles. Answers come from any thread, also from within the call; an error whose text
/// says "ACL not found" is about the secret, every other one means that it could not be found out.
class Source {
 public:
  struct Token {
    catalog::ACLToken token{};
    std::string datacenter{};  // of who has it
  };
  template <class T>
  using Done = std::move_only_function<void(base::Result<T>)>;
  virtual ~Source() = default;
  virtual void token(const std::string& secret, Done<Token> done) = 0;
  /// Those that the token of the secret has; what is not in the answer is not there.
  virtual void policies(const std::string& secret, std::vector<std::string> ids,
                        Done<std::vector<catalog::ACLPolicy>> done) = 0;
  virtual void roles(const std::string& secret, std::vector<std::string> ids,
                     Done<std::vector<catalog::ACLRole>> done) = 0;
};

/// acl.down_policy: what holds while the source gives no answer. The two of the cache go on with what is remembered,
/// however old, and decide by acl.default_policy where that is not enough; async_cache does not even wait for an
/// answer.
enum class Down : std::uint8_t { allow, deny, extend_cache, async_cache };

/// Safe from any thread.
class RemoteResolver {
 public:
  struct Settings {
    std::string datacenter = "dc1";
    std::string node_name{};
    bool default_allow = true;  // acl.default_policy
    Down down = Down::extend_cache;
    base::Duration token_ttl = base::seconds(30), policy_ttl = base::seconds(30), role_ttl{};
    /// For so long it is believed that ACLs are off, once the source says so; 0: never.
    base::Duration off_time{};
  };
  /// From any thread, once; maybe from within resolve().
  using Done = std::move_only_function<void(base::Result<Who>)>;

  /// All outlive it. The source calls nobody any more when it goes.
  RemoteResolver(Settings settings, const Store& store, Source& source, const base::Clock& clock);
  ~RemoteResolver();

  /// As far as nobody has to be asked for it.
  std::optional<base::Result<Who>> known(std::string_view secret);
  /// An empty secret is the anonymous token's. Errc::permission_denied, "ACL not found": there is no such token (any
  /// more). Who wants to know of the same secret meanwhile waits for the same answer.
  void resolve(std::string_view secret, Done done);
  /// The token as it is remembered, however old; null: it is not.
  std::shared_ptr<const catalog::ACLToken> token(std::string_view secret);
  /// Policies and roles are other ones than before: what is remembered of them, and what tokens amount to, has no time
  /// left. The tokens themselves stay.
  void forget_links();

 private:
  /// What was found out. A null item: there is none.
  template <class T>
  struct Fetched {
    std::shared_ptr<const T> item{};
    base::MonotonicTime at{};
  };
  struct KnownToken : Fetched<catalog::ACLToken> {
    Who who{};                         // what it amounts to; without permissions until that is known
    base::MonotonicTime good_until{};  // then that is made of something too old
  };
  /// By key; the least recently used goes first.
  template <class Value>
  class Shelf {
   public:
    Value* find(const std::string& key) {
      const auto found = by_key_.find(key);
      if (found == by_key_.end()) return nullptr;
      by_use_.splice(by_use_.begin(), by_use_, found->second);
      return &found->second->second;
    }
    void put(const std::string& key, Value value) {
      if (Value* const there = find(key)) {
        *there = std::move(value);
        return;
      }
      if (by_use_.size() >= kMost) {
        by_key_.erase(by_use_.back().first);
        by_use_.pop_back();
      }
      by_use_.emplace_front(key, std::move(value));
      by_key_.emplace(by_use_.front().first, by_use_.begin());
    }
    void erase(const std::string& key) {
      const auto found = by_key_.find(key);
      if (found == by_key_.end()) return;
      const auto entry = found->second;
      by_key_.erase(found);  // its key is the entry's
      by_use_.erase(entry);
    }

    template <class Fn>
    void each(Fn change) {
      for (auto& [key, value] : by_use_) change(value);
    }

   private:
    static constexpr std::size_t kMost = 1024;
    using Entries = std::list<std::pair<std::string, Value>>;
    Entries by_use_{};
    std::unordered_map<std::string_view, typename Entries::iterator> by_key_{};
  };
  template <class T>
  using Found = std::unordered_map<std::string, std::shared_ptr<const T>>;
  struct Resolution;
  using ResolutionPtr = std::shared_ptr<Resolution>;

  bool is_off() const { return clock_.now().nanoseconds < off_until_.load(std::memory_order_relaxed); }
  bool extends() const { return settings_.down == Down::extend_cache || settings_.down == Down::async_cache; }
  std::optional<base::Result<Who>> remembered(const std::string& secret, bool& old);
  void begin(const std::string& secret, Done done);
  // The steps of a resolution, in order; without the lock.
  void find_token(const ResolutionPtr& of);
  void found_token(const ResolutionPtr& of, base::Result<Source::Token> found);
  void find_roles(const ResolutionPtr& of);
  void find_policies(const ResolutionPtr& of);
  void settle(const ResolutionPtr& of);
  /// Its end.
  void finish(const ResolutionPtr& of, const base::Result<Who>& result);
  void give_up(const ResolutionPtr& of, const base::Error& why);
  void refused(const ResolutionPtr& of, const base::Error& why);
  template <class T>
  std::vector<std::string> take_fresh(Shelf<Fetched<T>>& shelf, const std::vector<std::string>& ids, base::Duration ttl,
                                      const ResolutionPtr& of, Found<T>& into);
  template <class T>
  bool take_found(Shelf<Fetched<T>>& shelf, const std::vector<std::string>& ids, base::Duration ttl,
                  const ResolutionPtr& of, base::Result<std::vector<T>> found, Found<T>& into);

  const Settings settings_;
  Source& source_;
  const base::Clock& clock_;
  const RecoveryToken recovery_;
  const Who down_;
  Compiler compiler_;
  std::atomic<std::int64_t> off_until_ = std::numeric_limits<std::int64_t>::min();  // as MonotonicTime
  std::mutex mutex_{};                                                              // guards what follows
  std::uint64_t links_forgotten_ = 0;
  Shelf<KnownToken> tokens_{};
  Shelf<Fetched<catalog::ACLPolicy>> policies_{};
  Shelf<Fetched<catalog::ACLRole>> roles_{};
  std::unordered_map<std::string, ResolutionPtr> running_{};  // by secret
};

}  // namespace proconsul::agent::tokens
