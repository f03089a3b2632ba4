// Messages that are carried along until each was sent often enough (gossip.md A7: memberlist's transmit-limited queue).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace proconsul::gossip::swim {

class BroadcastQueue {
 public:
  using Sent = std::move_only_function<void()>;

  /// `nodes`: how many members there are now. `retransmit_mult`: see retransmit_limit.
  BroadcastQueue(std::function<std::size_t()> nodes, int retransmit_mult);

  /// A `name` that is not empty replaces what is queued under it. `sent` is called once, when the message leaves the
  /// queue: was sent often enough, was replaced or pruned.
  void push(std::string message, std::string_view name = {}, Sent sent = {});
  /// The least sent first, among those the largest that fit, then the newest; each counts `overhead` bytes more.
  std::vector<std::string> take(std::size_t overhead, std::size_t limit);
  std::size_t size() const;
  /// Drops the most sent, oldest ones until at most `keep` are left.
  void prune(std::size_t keep);
  void clear();

 private:
  struct Rank {
    int transmits{};
    std::size_t size{};
    std::uint64_t id{};
    bool operator<(const Rank& other) const;
  };
  using Name = std::pair<const std::string, Rank>;
  struct Item {
    std::string message{};
    Name* name{};  // where its rank is kept; null without a name
    Sent sent{};
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const { return std::hash<std::string_view>{}(name); }
  };
  void forget(const Item& item);

  std::function<std::size_t()> nodes_;
  int retransmit_mult_;
  std::uint64_t next_id_ = 0;
  std::map<Rank, Item> items_{};
  std::unordered_map<std::string, Rank, Hash, std::equal_to<>> by_name_{};
};

}  // namespace proconsul::gossip::swim
