#include "base/radix_tree.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>

namespace proconsul::base {

// A position counts half bytes from the start of the key. At each position a key has a symbol: 0 where it ends, else
// its half byte plus one; so a key sorts before those that it is a prefix of.
struct RadixCore::Node {
  std::atomic<std::uint32_t> refs{1};
  std::uint32_t word;  // leaf: kLeaf | length of the key; inner: the position at which its children differ
  explicit Node(std::uint32_t w) : word(w) {}
};

namespace {

using Node = RadixCore::Node;
using Payload = RadixCore::Payload;
constexpr std::uint32_t kLeaf = 1u << 31;
constexpr std::size_t kMaxKey = std::size_t{1} << 30;

struct Leaf : Node {
  Payload payload;
  Leaf(std::size_t length, Payload p) : Node(kLeaf | static_cast<std::uint32_t>(length)), payload(p) {}
  char* bytes() { return reinterpret_cast<char*>(this + 1); }
  std::string_view key() const { return {reinterpret_cast<const char*>(this + 1), word & ~kLeaf}; }
};

struct Inner : Node {
  std::uint32_t bitmap = 0;  // bit s: there is a child for symbol s; children lie in the order of symbols
  std::uint32_t capacity;
  Inner(std::uint32_t position, std::uint32_t c) : Node(position), capacity(c) {}
  Node** children() { return reinterpret_cast<Node**>(this + 1); }
  Node* const* children() const { return reinterpret_cast<Node* const*>(this + 1); }
  unsigned count() const { return static_cast<unsigned>(std::popcount(bitmap)); }
  bool has(unsigned symbol) const { return bitmap >> symbol & 1; }
  unsigned rank(unsigned symbol) const { return static_cast<unsigned>(std::popcount(bitmap & ((1u << symbol) - 1))); }
};
static_assert(sizeof(Leaf) == 16 && sizeof(Inner) == 16);

bool is_leaf(const Node* node) {
  return node->word & kLeaf;
}
Leaf* leaf(Node* node) {
  return static_cast<Leaf*>(node);
}
const Leaf* leaf(const Node* node) {
  return static_cast<const Leaf*>(node);
}
Inner* inner(Node* node) {
  return static_cast<Inner*>(node);
}
const Inner* inner(const Node* node) {
  return static_cast<const Inner*>(node);
}

unsigned symbol(std::string_view key, std::uint32_t position) {
  const std::size_t byte = position >> 1;
  if (byte >= key.size()) return 0;
  const auto value = static_cast<unsigned char>(key[byte]);
  return 1u + (position & 1 ? value & 15u : value >> 4);
}

Leaf* make_leaf(std::string_view key, Payload payload) {
  if (key.size() >= kMaxKey) std::abort();  // callers bound their keys far below
  auto* made = new (::operator new(sizeof(Leaf) + key.size())) Leaf(key.size(), payload);
  if (!key.empty()) std::memcpy(made->bytes(), key.data(), key.size());
  return made;
}

// An odd number of children fills the allocator's 16-byte grain, so growing by one is often free.
Inner* make_inner(std::uint32_t position, unsigned children) {
  const unsigned capacity = children | 1;
  return new (::operator new(sizeof(Inner) + capacity * sizeof(Node*))) Inner(position, capacity);
}

// True for the last owner.
bool unref(Node* node) {
  return node->refs.fetch_sub(1, std::memory_order_acq_rel) == 1;
}
// Only this tree reaches the node, given that it is alone on every node above it. Acquire: the thread that let the
// other version go has finished reading.
bool alone(const Node* node) {
  return node->refs.load(std::memory_order_acquire) == 1;
}

void free_leaf(Leaf* dead, RadixCore::Drop drop) {
  if (drop) drop(dead->payload);
  ::operator delete(dead);
}

// Gives back one reference. A chain of keys that are prefixes of each other is as deep as the longest key, so the dead
// wait in a list (linked through their first eight bytes, which they need no more) and not on the call stack.
void release(Node* node, RadixCore::Drop drop) {
  if (!unref(node)) return;
  if (is_leaf(node)) return free_leaf(leaf(node), drop);
  static_assert(sizeof(Node) == sizeof(Node*));
  const auto link = [](Node* dead, Node* next) { std::memcpy(static_cast<void*>(dead), &next, sizeof next); };
  Node* dead = node;
  link(dead, nullptr);
  while (dead) {
    auto* at = inner(dead);
    std::memcpy(&dead, static_cast<void*>(at), sizeof dead);
    for (unsigned i = 0, n = at->count(); i < n; ++i) {
      Node* child = at->children()[i];
      if (!unref(child)) continue;
      if (is_leaf(child)) {
        free_leaf(leaf(child), drop);
      } else {
        link(child, dead);
        dead = child;
      }
    }
    ::operator delete(at);
  }
}

// Makes the inner node in the slot ours, with room for `extra` more children.
Inner* own(Node*& slot, unsigned extra, RadixCore::Drop drop) {
  auto* old = inner(slot);
  const unsigned count = old->count();
  const bool ours = alone(old);
  if (ours && count + extra <= old->capacity) return old;
  Inner* fresh = make_inner(old->word, count + extra);
  fresh->bitmap = old->bitmap;
  std::memcpy(fresh->children(), old->children(), count * sizeof(Node*));
  if (ours) {
    ::operator delete(old);  // its children moved
  } else {
    for (unsigned i = 0; i < count; ++i) fresh->children()[i]->refs.fetch_add(1, std::memory_order_relaxed);
    release(old, drop);
  }
  slot = fresh;
  return fresh;
}

// A leaf that agrees with the key at least as long as any other key does.
const Leaf* best_guess(const Node* node, std::string_view key) {
  while (!is_leaf(node)) {
    const auto* at = inner(node);
    const unsigned s = symbol(key, at->word);
    node = at->children()[at->has(s) ? at->rank(s) : 0];
  }
  return leaf(node);
}

constexpr std::uint32_t kSame = ~0u;
// The first position at which the two keys differ.
std::uint32_t divergence(std::string_view a, std::string_view b) {
  const std::size_t common = std::min(a.size(), b.size());
  const auto at = static_cast<std::size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(common), b.begin()).first - a.begin());
  if (at == common) return a.size() == b.size() ? kSame : static_cast<std::uint32_t>(common * 2);
  return static_cast<std::uint32_t>(at * 2 + (((a[at] ^ b[at]) & 0xf0) == 0));
}

// The topmost node all of whose keys begin with the prefix; null if there is no such key.
template <class N>
N* below(N* node, std::string_view prefix) {
  if (!node) return nullptr;
  while (!is_leaf(node) && node->word < prefix.size() * 2) {
    auto* at = inner(node);
    const unsigned s = symbol(prefix, at->word);
    if (!at->has(s)) return nullptr;
    node = at->children()[at->rank(s)];
  }
  return best_guess(node, prefix)->key().starts_with(prefix) ? node : nullptr;
}

}  // namespace

RadixCore::RadixCore(const RadixCore& other) : root_(other.root_), size_(other.size_), drop_(other.drop_) {
  if (root_) root_->refs.fetch_add(1, std::memory_order_relaxed);
}

RadixCore& RadixCore::operator=(RadixCore other) noexcept {
  std::swap(root_, other.root_);
  std::swap(size_, other.size_);
  std::swap(drop_, other.drop_);
  return *this;
}

void RadixCore::clear() {
  if (Node* root = std::exchange(root_, nullptr)) release(root, drop_);
  size_ = 0;
}

const Payload* RadixCore::find(std::string_view key) const {
  const Node* node = root_;
  if (!node) return nullptr;
  while (!is_leaf(node)) {
    const auto* at = inner(node);
    const unsigned s = symbol(key, at->word);
    if (!at->has(s)) return nullptr;
    node = at->children()[at->rank(s)];
  }
  return leaf(node)->key() == key ? &leaf(node)->payload : nullptr;
}

bool RadixCore::insert(std::string_view key, Payload payload) {
  if (!root_) {
    root_ = make_leaf(key, payload);
    size_ = 1;
    return true;
  }
  const std::uint32_t position = divergence(best_guess(root_, key)->key(), key);

  Node** slot = &root_;
  while (!is_leaf(*slot) && (*slot)->word < position) {
    Inner* at = own(*slot, 0, drop_);
    slot = &at->children()[at->rank(symbol(key, at->word))];
  }
  if (position == kSame) {
    if (alone(*slot)) {
      const Payload old = std::exchange(leaf(*slot)->payload, payload);
      if (drop_) drop_(old);
    } else {
      Node* old = std::exchange(*slot, make_leaf(key, payload));
      release(old, drop_);
    }
    return false;
  }

  Node* fresh = make_leaf(key, payload);
  const unsigned s = symbol(key, position);
  if (!is_leaf(*slot) && (*slot)->word == position) {
    Inner* at = own(*slot, 1, drop_);
    const unsigned rank = at->rank(s);
    Node** children = at->children();
    std::memmove(children + rank + 1, children + rank, (at->count() - rank) * sizeof(Node*));
    children[rank] = fresh;
    at->bitmap |= 1u << s;
  } else {
    const unsigned other = symbol(best_guess(*slot, key)->key(), position);
    Inner* fork = make_inner(position, 2);
    fork->bitmap = 1u << s | 1u << other;
    fork->children()[s > other] = fresh;
    fork->children()[s < other] = *slot;
    *slot = fork;
  }
  ++size_;
  return true;
}

namespace {

// Takes the child for the symbol out of the node in the slot; a node left with one child is replaced by it.
void take_out(Node*& slot, unsigned s, RadixCore::Drop drop) {
  auto* shared = inner(slot);
  const unsigned rank = shared->rank(s);
  if (shared->count() == 2) {
    Node* gone = shared->children()[rank];
    Node* rest = shared->children()[1 - rank];
    if (alone(shared)) {
      ::operator delete(shared);  // both children stay counted once: `rest` moves up, `gone` goes
      slot = rest;
      release(gone, drop);
    } else {
      rest->refs.fetch_add(1, std::memory_order_relaxed);
      slot = rest;
      release(shared, drop);
    }
    return;
  }
  Inner* at = own(slot, 0, drop);
  Node** children = at->children();
  Node* gone = children[rank];
  std::memmove(children + rank, children + rank + 1, (at->count() - rank - 1) * sizeof(Node*));
  at->bitmap &= ~(1u << s);
  release(gone, drop);
}

}  // namespace

bool RadixCore::erase(std::string_view key) {
  if (!find(key)) return false;
  --size_;
  Node** slot = &root_;
  if (is_leaf(*slot)) {
    release(std::exchange(root_, nullptr), drop_);
    return true;
  }
  for (;;) {
    auto* at = inner(*slot);
    const unsigned s = symbol(key, at->word);
    if (is_leaf(at->children()[at->rank(s)])) {
      take_out(*slot, s, drop_);
      return true;
    }
    at = own(*slot, 0, drop_);
    slot = &at->children()[at->rank(s)];
  }
}

std::size_t RadixCore::erase_prefix(std::string_view prefix) {
  const Node* target = below(static_cast<const Node*>(root_), prefix);
  if (!target) return 0;
  std::size_t erased = 0;
  for (auto at = Cursor::prefix(*this, prefix, Direction::forward); at.valid(); at.next()) ++erased;
  if (target == root_) {
    clear();
    return erased;
  }
  size_ -= erased;
  Node** slot = &root_;
  for (;;) {
    auto* at = inner(*slot);
    const unsigned s = symbol(prefix, at->word);
    if (at->children()[at->rank(s)] == target) {
      take_out(*slot, s, drop_);
      return erased;
    }
    at = own(*slot, 0, drop_);
    slot = &at->children()[at->rank(s)];
  }
}

RadixCore::Part::Part(const RadixCore& tree, std::string_view prefix)
    : node_(below(tree.root_, prefix)), drop_(tree.drop_) {
  if (node_) node_->refs.fetch_add(1, std::memory_order_relaxed);
}

RadixCore::Part& RadixCore::Part::operator=(Part&& other) noexcept {
  std::swap(node_, other.node_);
  std::swap(drop_, other.drop_);
  return *this;
}

RadixCore::Part::~Part() {
  if (node_) release(node_, drop_);
}

bool RadixCore::Part::same_in(const RadixCore& tree, std::string_view prefix) const {
  return below(static_cast<const Node*>(tree.root_), prefix) == node_;
}

void RadixCore::Part::compare(const Part& later, void* context, Visit visit) const {
  struct Pair {
    const Node* was;
    const Node* is;
  };
  // The keys of a node agree up to its position; a leaf's key agrees with itself without end.
  const auto agree_until = [](const Node* node) { return is_leaf(node) ? kSame : node->word; };
  const auto child = [](const Node* node, unsigned s) -> const Node* {
    const auto* at = inner(node);
    return at->has(s) ? at->children()[at->rank(s)] : nullptr;
  };
  std::vector<Pair> open{{node_, later.node_}};
  while (!open.empty()) {
    const auto [was, is] = open.back();
    open.pop_back();
    if (was == is) continue;
    if (!was || !is) {
      const Node* only = was ? was : is;
      if (is_leaf(only)) {
        const Payload* payload = &leaf(only)->payload;
        visit(context, leaf(only)->key(), was ? payload : nullptr, is ? payload : nullptr);
        continue;
      }
      const auto* at = inner(only);
      for (unsigned i = 0; i < at->count(); ++i) {
        open.push_back(was ? Pair{at->children()[i], nullptr} : Pair{nullptr, at->children()[i]});
      }
      continue;
    }
    const std::string_view key = best_guess(was, {})->key();
    const std::string_view other = best_guess(is, key)->key();
    const std::uint32_t until = std::min(agree_until(was), agree_until(is));
    const std::uint32_t differ = divergence(key, other);
    if (differ == kSame && until == kSame) {  // the same leaf, or another one with its key
      if (leaf(was)->payload != leaf(is)->payload) visit(context, key, &leaf(was)->payload, &leaf(is)->payload);
    } else if (differ < until) {  // no key in common
      open.push_back({was, nullptr});
      open.push_back({nullptr, is});
    } else {
      // Whichever branches later lies below one child of the other.
      for (unsigned s = 0; s <= 16; ++s) {
        const Node* left = agree_until(was) == until ? child(was, s) : symbol(key, until) == s ? was : nullptr;
        const Node* right = agree_until(is) == until ? child(is, s) : symbol(other, until) == s ? is : nullptr;
        if (left || right) open.push_back({left, right});
      }
    }
  }
}

Payload* RadixCore::slot(std::string_view key) {
  if (const Payload* found = find(key)) return const_cast<Payload*>(found);
  insert(key, 0);
  return const_cast<Payload*>(find(key));
}

std::string_view RadixCore::key_of(const Payload* slot) {
  return leaf(reinterpret_cast<const Node*>(reinterpret_cast<const char*>(slot) - sizeof(Node)))->key();
}

// ---- walking ----

std::string_view RadixCore::Cursor::key() const {
  return leaf(leaf_)->key();
}
Payload RadixCore::Cursor::payload() const {
  return leaf(leaf_)->payload;
}

void RadixCore::Cursor::descend(const Node* node) {
  while (!is_leaf(node)) {
    const auto* at = inner(node);
    const unsigned index = direction_ == Direction::forward ? 0 : at->count() - 1;
    stack_.push_back({node, index});
    node = at->children()[index];
  }
  leaf_ = node;
}

void RadixCore::Cursor::next() {
  leaf_ = nullptr;
  while (!stack_.empty()) {
    Frame& top = stack_.back();
    const auto* at = inner(top.node);
    if (direction_ == Direction::forward ? top.at + 1 < at->count() : top.at > 0) {
      top.at += direction_ == Direction::forward ? 1u : -1u;
      return descend(at->children()[top.at]);
    }
    stack_.pop_back();
  }
}

RadixCore::Cursor RadixCore::Cursor::all(const RadixCore& tree, Direction direction) {
  Cursor cursor;
  cursor.direction_ = direction;
  if (tree.root_) cursor.descend(tree.root_);
  return cursor;
}

RadixCore::Cursor RadixCore::Cursor::prefix(const RadixCore& tree, std::string_view prefix, Direction direction) {
  Cursor cursor;
  cursor.direction_ = direction;
  if (const Node* node = below(static_cast<const Node*>(tree.root_), prefix)) cursor.descend(node);
  return cursor;
}

RadixCore::Cursor RadixCore::Cursor::from(const RadixCore& tree, std::string_view bound, Direction direction) {
  Cursor cursor;
  cursor.direction_ = direction;
  const Node* node = tree.root_;
  if (!node) return cursor;
  const std::string_view guess = best_guess(node, bound)->key();
  const std::uint32_t position = divergence(guess, bound);
  while (!is_leaf(node) && node->word < position) {
    const auto* at = inner(node);
    const unsigned rank = at->rank(symbol(bound, at->word));
    cursor.stack_.push_back({node, rank});
    node = at->children()[rank];
  }
  const bool forward = direction == Direction::forward;
  if (position == kSame) {
    cursor.leaf_ = node;
    return cursor;
  }
  const unsigned s = symbol(bound, position);
  if (!is_leaf(node) && node->word == position) {
    // The bound falls between two children of this node.
    const auto* at = inner(node);
    const unsigned rank = at->rank(s);  // children below the bound
    if (forward ? rank < at->count() : rank > 0) {
      const unsigned index = forward ? rank : rank - 1;
      cursor.stack_.push_back({node, index});
      cursor.descend(at->children()[index]);
    } else {
      cursor.next();
    }
    return cursor;
  }
  // Everything below this node lies on one side of the bound.
  const bool above = symbol(guess, position) > s;
  if (above == forward) {
    cursor.descend(node);
  } else {
    cursor.next();
  }
  return cursor;
}

std::string_view RadixCore::PathCursor::key() const {
  return leaf(leaf_)->key();
}
Payload RadixCore::PathCursor::payload() const {
  return leaf(leaf_)->payload;
}
Payload* RadixCore::PathCursor::slot() const {
  return const_cast<Payload*>(&leaf(leaf_)->payload);
}

void RadixCore::PathCursor::next() {
  leaf_ = nullptr;
  while (node_) {
    const Node* node = node_;
    const Leaf* candidate = nullptr;
    if (is_leaf(node)) {
      candidate = leaf(node);
      node_ = nullptr;
    } else {
      const auto* at = inner(node);
      const unsigned s = symbol(key_, at->word);
      node_ = at->has(s) ? at->children()[at->rank(s)] : nullptr;
      // A key that ends at this position: when ours ends here too, node_ is that very leaf.
      if (at->has(0) && s != 0) candidate = leaf(at->children()[0]);
    }
    if (!candidate) continue;
    if (key_.starts_with(candidate->key())) {
      leaf_ = candidate;
      return;
    }
    node_ = nullptr;  // our key left this path above here
  }
}

}  // namespace proconsul::base
