#include "gossip/swim/member_table.h"

#include <functional>
#include <utility>

namespace proconsul::gossip::swim {
namespace {

constexpr std::size_t kFewestSlots = 16;

std::uint32_t hash_of(std::string_view name) {
  return static_cast<std::uint32_t>(std::hash<std::string_view>{}(name));
}

}  // namespace

Member* MemberTable::find(std::string_view name) const {
  if (slots_.empty()) return nullptr;
  const std::uint32_t hash = hash_of(name);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask; slots_[at] != nullptr; at = (at + 1) & mask) {
    if (slots_[at]->hash == hash && slots_[at]->name == name) return slots_[at];
  }
  return nullptr;
}

Member& MemberTable::add(std::string_view name, base::Random& random) {
  Member* member = order_.emplace_back(std::make_unique<Member>()).get();
  member->name = name;
  member->hash = hash_of(name);
  std::swap(order_.back(), order_[random.below(order_.size())]);
  if (slots_.size() < 2 * order_.size()) {
    index(slots_.empty() ? kFewestSlots : 2 * slots_.size());
  } else {
    place(member);
  }
  return *member;
}

void MemberTable::place(Member* member) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = member->hash & mask;
  while (slots_[at] != nullptr) at = (at + 1) & mask;
  slots_[at] = member;
}

void MemberTable::index(std::size_t slots) {
  slots_.assign(slots, nullptr);
  for (const auto& member : order_) place(member.get());
}

void MemberTable::shuffle(base::Random& random) {
  for (std::size_t left = order_.size(); left > 1; --left) std::swap(order_[left - 1], order_[random.below(left)]);
  index(slots_.size());  // what was erased is gone from it
}

}  // namespace proconsul::gossip::swim
