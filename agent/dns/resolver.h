// From a question to a reply: pure, over one version of the state. What must be asked of others first (the address of a
// host outside) is named, and the same question is resolved again once it is there.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/dns/image.h"
#include "agent/dns/message.h"
#include "agent/dns/remote.h"
#include "agent/dns/reply.h"
#include "agent/dns/reverse.h"
#include "agent/dns/settings.h"
#include "agent/tokens/who.h"
#include "base/random.h"
#include "catalog/store/tables.h"

namespace proconsul::agent::dns {

/// The state that is asked, and how good it is.
struct State {
  const catalog::Tables& tables;
  bool is_leader = true;
  base::Duration last_contact{};     // with the leader; negative: never
  std::int64_t now = 0;              // seconds since 1970, for the serial of the zone
  bool has_data = true;              // false on a client agent: the tables say nothing
  bool asks_others = false;          // whether others can be asked what is not here
  const tokens::Who* who = nullptr;  // whose eyes see these tables; null: everything is shown
  bool refused = false;              // the token is not known: nothing is shown
  std::string_view token{};          // that others are asked with
};

/// What others have said so far.
struct Externals {
  std::map<std::string, std::vector<ForeignRecord>> hosts{};  // by whole name in lower case; empty: there was no answer
  std::map<RemoteKey, RemoteAnswerPtr> remote{};
};
/// What others are to be asked.
struct Wants {
  std::map<std::string, std::string> hosts{};  // whole names as they are spelled, by the same in lower case
  std::vector<RemoteKey> remote{};
  bool empty() const { return hosts.empty() && remote.empty(); }
};

enum class Outcome : std::uint8_t {
  answered,  // the reply is complete
  wanting,   // ask others for what Wants says, then resolve again
  recurse,   // not ours: for the recursors
};

struct Ask {
  const Query& query;
  Transport transport;
  std::uint64_t seed;  // the same seed gives the same choice
  config::Ip client{};
};

/// Adds EDNS to the reply if the question has it. `everywhere`: the answer is the same for clients of any network.
void add_edns(const Query& query, bool everywhere, Reply& reply);

class Resolver {
 public:
  /// Both are shared with other resolvers.
  Resolver(Images& images, Addresses& addresses) : images_(images), addresses_(addresses) {}

  /// One thread's at a time. `stale` is set when the answer came from a state whose leader was last heard of long ago.
  Outcome resolve(const State& state, const Settings& settings, const Ask& ask, const Externals& externals,
                  Reply& reply, Wants& wants);
  /// Whether the last answer rests on a state that heard of the leader more than five seconds ago.
  bool was_stale() const { return stale_; }
  /// Whether the last question was a reverse one.
  bool was_reverse() const { return reverse_; }

 private:
  friend struct Resolution;
  Images& images_;
  Addresses& addresses_;
  bool stale_ = false;
  bool reverse_ = false;
  // Reused from question to question.
  std::vector<std::uint32_t> seen_{};  // by group: the round in which it was seen
  std::uint32_t round_ = 0;
  std::vector<std::uint32_t> order_{};
};

}  // namespace proconsul::agent::dns
