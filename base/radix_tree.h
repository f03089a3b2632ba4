// A persistent ordered map from byte strings to shared rows.
//
// A tree is a value. Copying it is one reference; changing a copy leaves every other copy as it was: the change copies
// the nodes on its path that are shared, and edits in place those that only this tree can reach. So a transaction is a
// copy that is changed many times, and publishing it is an assignment.
//
//   RadixTree<Row<Node>> next = current;   // a version
//   next.insert(key, make_row(node));      // copies its path once
//   next.erase(other);                     // what is fresh is edited in place
//
// One tree object belongs to one thread while it changes; any number of threads may read trees that share nodes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ref.h"

namespace proconsul::base {

/// The tree without its row type: a payload word per key. Use RadixTree or RadixCounters.
///
/// Branches on half bytes, so that copying a node touches at most 17 children. Only leaves hold keys; an inner node
/// holds the position at which its keys differ.
class RadixCore {
 public:
  struct Node;
  using Payload = std::uintptr_t;
  using Drop = void (*)(Payload);  // gives back one reference of a payload; null when there is nothing to give back
  enum class Direction : std::uint8_t { forward, reverse };

  explicit RadixCore(Drop drop) : drop_(drop) {}
  RadixCore(const RadixCore& other);
  RadixCore(RadixCore&& other) noexcept
      : root_(std::exchange(other.root_, nullptr)), size_(std::exchange(other.size_, 0)), drop_(other.drop_) {}
  RadixCore& operator=(RadixCore other) noexcept;
  ~RadixCore() { clear(); }

  std::size_t size() const { return size_; }
  const Payload* find(std::string_view key) const;
  /// Takes over one reference of the payload; true if the key is new.
  bool insert(std::string_view key, Payload payload);
  bool erase(std::string_view key);
  /// Removes every key that begins with the prefix; returns how many.
  std::size_t erase_prefix(std::string_view prefix);
  void clear();

  /// The payload at the key, 0 if it is new. For a tree that is never copied: the address holds until the key is
  /// erased.
  Payload* slot(std::string_view key);
  static std::string_view key_of(const Payload* slot);

  /// Walks in key order. The tree must outlive the cursor and not change under it (a copy of the tree does for that).
  class Cursor {
   public:
    Cursor() = default;
    static Cursor all(const RadixCore& tree, Direction direction);
    static Cursor prefix(const RadixCore& tree, std::string_view prefix, Direction direction);
    /// Forward: begins at the first key >= bound. Reverse: at the last key <= bound.
    static Cursor from(const RadixCore& tree, std::string_view bound, Direction direction);
    bool valid() const { return leaf_ != nullptr; }
    std::string_view key() const;
    Payload payload() const;
    void next();

   private:
    struct Frame {
      const Node* node;
      unsigned at;  // which child was taken last
    };
    void descend(const Node* node);
    std::vector<Frame> stack_{};
    const Node* leaf_ = nullptr;
    Direction direction_ = Direction::forward;
  };

  /// What one version holds below a prefix, kept alive: to find out later whether another version differs there.
  class Part {
   public:
    Part() = default;
    Part(const RadixCore& tree, std::string_view prefix);
    Part(Part&& other) noexcept : node_(std::exchange(other.node_, nullptr)), drop_(other.drop_) {}
    Part& operator=(Part&& other) noexcept;
    ~Part();
    /// False if anything may differ; what is unchanged costs no more than finding it.
    bool same_in(const RadixCore& tree, std::string_view prefix) const;
    /// Calls visit(context, key, was, is) for each key that has another payload in `later` (null: it is not there), in
    /// no order. What both share is not looked at.
    using Visit = void (*)(void* context, std::string_view key, const Payload* was, const Payload* is);
    void compare(const Part& later, void* context, Visit visit) const;

   private:
    Node* node_ = nullptr;
    Drop drop_ = nullptr;
  };

  /// Walks the stored keys that are prefixes of one key, shortest first.
  class PathCursor {
   public:
    PathCursor(const RadixCore& tree, std::string_view key) : key_(key), node_(tree.root_) { next(); }
    bool valid() const { return leaf_ != nullptr; }
    std::string_view key() const;
    Payload payload() const;
    Payload* slot() const;
    void next();

   private:
    std::string_view key_;
    const Node* node_;
    const Node* leaf_ = nullptr;
  };

 private:
  Node* root_ = nullptr;
  std::size_t size_ = 0;
  Drop drop_;
};

/// Ordered map from bytes to rows of type T, which derives from RefCounted (Row<S> makes one of a struct S).
template <class T>
class RadixTree {
 public:
  using Direction = RadixCore::Direction;
  struct Entry {
    std::string_view key;
    const T* row;
  };
  struct End {};
  class Cursor {
   public:
    explicit Cursor(RadixCore::Cursor core) : core_(std::move(core)) {}
    explicit operator bool() const { return core_.valid(); }
    std::string_view key() const { return core_.key(); }
    const T* row() const { return reinterpret_cast<const T*>(core_.payload()); }
    void next() { core_.next(); }
    // A cursor is its own range: for (auto [key, row] : tree.prefix("a/")) ...
    Cursor begin() && { return std::move(*this); }
    Cursor& begin() & { return *this; }
    End end() const { return {}; }
    Entry operator*() const { return {key(), row()}; }
    Cursor& operator++() {
      next();
      return *this;
    }
    bool operator==(End) const { return !core_.valid(); }

   private:
    RadixCore::Cursor core_;
  };

  RadixTree() : core_(&drop) {}
  std::size_t size() const { return core_.size(); }
  bool empty() const { return core_.size() == 0; }

  /// The row at the key, null if absent; lives as long as a tree that holds it.
  const T* get(std::string_view key) const {
    const auto* payload = core_.find(key);
    return payload ? reinterpret_cast<const T*>(*payload) : nullptr;
  }
  Ref<const T> share(std::string_view key) const { return Ref<const T>::share(get(key)); }
  bool contains(std::string_view key) const { return core_.find(key) != nullptr; }
  /// Puts or replaces; true if the key is new.
  bool insert(std::string_view key, Ref<const T> row) {
    return core_.insert(key, reinterpret_cast<RadixCore::Payload>(row.detach()));
  }
  bool erase(std::string_view key) { return core_.erase(key); }
  std::size_t erase_prefix(std::string_view prefix) { return core_.erase_prefix(prefix); }
  void clear() { core_.clear(); }

  Cursor all(Direction direction = Direction::forward) const {
    return Cursor(RadixCore::Cursor::all(core_, direction));
  }
  Cursor prefix(std::string_view prefix, Direction direction = Direction::forward) const {
    return Cursor(RadixCore::Cursor::prefix(core_, prefix, direction));
  }
  /// From the first key >= bound on.
  Cursor lower_bound(std::string_view bound) const {
    return Cursor(RadixCore::Cursor::from(core_, bound, Direction::forward));
  }
  /// From the last key <= bound downwards.
  Cursor reverse_lower_bound(std::string_view bound) const {
    return Cursor(RadixCore::Cursor::from(core_, bound, Direction::reverse));
  }
  using Part = RadixCore::Part;
  Part part(std::string_view prefix) const { return Part(core_, prefix); }
  bool has_same(const Part& part, std::string_view prefix) const { return part.same_in(core_, prefix); }
  /// Calls visit(key, was, is) with the rows of each key that differs, null where it is not there; in no order.
  template <class Visit>
  static void compare(const Part& before, const Part& after, Visit visit) {
    before.compare(
        after, &visit,
        [](void* context, std::string_view key, const RadixCore::Payload* was, const RadixCore::Payload* is) {
          const auto row = [](const RadixCore::Payload* payload) {
            return payload ? reinterpret_cast<const T*>(*payload) : nullptr;
          };
          (*static_cast<Visit*>(context))(key, row(was), row(is));
        });
  }
  /// The entry with the longest key that is a prefix of `key`; its row is null if there is none.
  Entry longest_prefix(std::string_view key) const {
    Entry best{{}, nullptr};
    for (RadixCore::PathCursor at(core_, key); at.valid(); at.next()) {
      best = {at.key(), reinterpret_cast<const T*>(at.payload())};
    }
    return best;
  }

 private:
  static void drop(RadixCore::Payload payload) { Ref<const T>::drop(reinterpret_cast<const T*>(payload)); }
  RadixCore core_;
};

/// Ordered map from bytes to a number.
class RadixCounters {
 public:
  std::size_t size() const { return core_.size(); }
  /// 0 if absent.
  std::uint64_t get(std::string_view key) const {
    const auto* payload = core_.find(key);
    return payload ? *payload : 0;
  }
  bool contains(std::string_view key) const { return core_.find(key) != nullptr; }
  void set(std::string_view key, std::uint64_t value) { core_.insert(key, value); }
  /// Sets it unless it is there and as large already.
  bool raise(std::string_view key, std::uint64_t value) {
    const auto* now = core_.find(key);
    if (now && *now >= value) return false;
    core_.insert(key, value);
    return true;
  }
  bool erase(std::string_view key) { return core_.erase(key); }
  std::size_t erase_prefix(std::string_view prefix) { return core_.erase_prefix(prefix); }
  void clear() { core_.clear(); }
  /// Calls visit(key, value) in key order for every key with the prefix.
  template <class Visit>
  void each(std::string_view prefix, Visit visit) const {
    for (auto at = RadixCore::Cursor::prefix(core_, prefix, RadixCore::Direction::forward); at.valid(); at.next()) {
      visit(at.key(), static_cast<std::uint64_t>(at.payload()));
    }
  }

 private:
  static_assert(sizeof(RadixCore::Payload) == 8);
  RadixCore core_{nullptr};
};

}  // namespace proconsul::base
