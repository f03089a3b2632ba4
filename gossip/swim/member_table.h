// The members by name, and in the shuffled order in which they are probed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "gossip/swim/membership.h"
#include "gossip/swim/suspicion.h"

namespace proconsul::gossip::swim {

struct Member : Node {
  std::unique_ptr<Suspicion> suspicion{};  // while it is suspect
  std::uint64_t suspicion_id{};            // of that one
  std::uint32_t hash{};                    // of its name
};

/// Members keep their addresses until they are erased.
class MemberTable {
 public:
  Member* find(std::string_view name) const;
  /// The name must be new. It is put anywhere in the order, so that members that learn of each other together do not
  /// probe in step.
  Member& add(std::string_view name, base::Random& random);
  /// Erases those that `forget` names and shuffles the others.
  template <class Forget>
  void reap_and_shuffle(Forget forget, base::Random& random) {
    std::erase_if(order_, [&](const std::unique_ptr<Member>& member) { return forget(*member); });
    shuffle(random);
  }

  std::size_t size() const { return order_.size(); }
  Member& operator[](std::size_t place) const { return *order_[place]; }
  std::span<const std::unique_ptr<Member>> all() const { return order_; }

 private:
  void shuffle(base::Random& random);
  void index(std::size_t slots);
  void place(Member* member);

  std::vector<std::unique_ptr<Member>> order_{};
  // Open addressing over a power of two of slots, at most half of them full: a name costs two words and no node.
  std::vector<Member*> slots_{};
};

}  // namespace proconsul::gossip::swim
