// Shared immutable values: an intrusive count, a pointer to it, and a slot that one thread replaces while others read.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace proconsul::base {

/// Base of what is shared by Ref<T>. A new object has one owner: the Ref that adopts it.
class RefCounted {
 public:
  RefCounted() = default;
  RefCounted(const RefCounted&) {}  // a copy is a new object with an owner of its own
  RefCounted& operator=(const RefCounted&) { return *this; }

  void retain(std::uint32_t n = 1) const { refs_.fetch_add(n, std::memory_order_relaxed); }
  /// Gives back `n` counts. True for the last owner, who must destroy the object.
  [[nodiscard]] bool release(std::uint32_t n = 1) const { return refs_.fetch_sub(n, std::memory_order_acq_rel) == n; }

 private:
  mutable std::atomic<std::uint32_t> refs_{1};
};

/// Pointer that shares ownership of a T derived from RefCounted. T may bring `static void destroy(const T*)` when it is
/// not made by plain `new`.
template <class T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}
  Ref(const Ref& other) : pointer_(other.pointer_) {
    if (pointer_) pointer_->retain();
  }
  Ref(Ref&& other) noexcept : pointer_(std::exchange(other.pointer_, nullptr)) {}
  template <class U>
    requires std::is_convertible_v<U*, T*>
  Ref(Ref<U> other) noexcept : pointer_(other.detach()) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(pointer_, other.pointer_);
    return *this;
  }
  ~Ref() { drop(pointer_); }

  /// Takes over one count that the caller owned.
  static Ref adopt(T* pointer) {
    Ref ref;
    ref.pointer_ = pointer;
    return ref;
  }
  /// One more count on an object that somebody else keeps alive.
  static Ref share(T* pointer) {
    if (pointer) pointer->retain();
    return adopt(pointer);
  }
  T* detach() { return std::exchange(pointer_, nullptr); }
  /// Gives back `n` counts.
  static void drop(T* pointer, std::uint32_t n = 1) {
    if (!pointer || !pointer->release(n)) return;
    if constexpr (requires { std::remove_const_t<T>::destroy(pointer); }) {
      std::remove_const_t<T>::destroy(pointer);
    } else {
      delete pointer;
    }
  }

  T* get() const { return pointer_; }
  T& operator*() const { return *pointer_; }
  T* operator->() const { return pointer_; }
  explicit operator bool() const { return pointer_ != nullptr; }
  friend bool operator==(const Ref& a, const Ref& b) { return a.pointer_ == b.pointer_; }

 private:
  T* pointer_ = nullptr;
};

/// A plain struct as a row: the struct itself plus its count, in one allocation.
template <class T>
struct Row : RefCounted, T {
  Row() = default;
  explicit Row(T value) : T(std::move(value)) {}
};
template <class T>
using RowPtr = Ref<const Row<T>>;
template <class T>
RowPtr<T> make_row(T value) {
  return RowPtr<T>::adopt(new Row<T>(std::move(value)));
}

/// A slot that holds a Ref: many threads load, one stores. Loading never waits.
///
/// The word holds the pointer and, above it, how many readers are between reading the pointer and counting themselves
/// in the object; whoever replaces the pointer moves that number into the object, so it cannot die under them. Until
/// then the slot's own counts keep it alive, which are more than such readers can be: one of them may find the pointer
/// replaced and be done with the object before the number has arrived there. The same object must not be stored twice.
template <class T>
class AtomicRef {
 public:
  explicit AtomicRef(Ref<T> first) : word_(enter(std::move(first))) {}
  AtomicRef(const AtomicRef&) = delete;
  AtomicRef& operator=(const AtomicRef&) = delete;
  ~AtomicRef() { Ref<T>::drop(pointer(word_.load(std::memory_order_acquire)), kSlot); }

  Ref<T> load() const {
    std::uint64_t word = word_.fetch_add(kReader, std::memory_order_acquire) + kReader;
    T* object = pointer(word);
    object->retain();
    while (pointer(word) == object) {
      if (word_.compare_exchange_weak(word, word - kReader, std::memory_order_relaxed)) return Ref<T>::adopt(object);
    }
    (void)object->release();  // replaced meanwhile: our number moves into the object, which we still own once
    return Ref<T>::adopt(object);
  }

  void store(Ref<T> next) {
    const std::uint64_t old = word_.exchange(enter(std::move(next)), std::memory_order_acq_rel);
    Ref<T>::drop(pointer(old), kSlot - static_cast<std::uint32_t>(old >> kShift));
  }

 private:
  static constexpr int kShift = 48;
  static constexpr std::uint64_t kReader = std::uint64_t{1} << kShift;
  static constexpr std::uint32_t kSlot = 1u << 20;  // counts that the slot has in its object
  static std::uint64_t enter(Ref<T> ref) {
    ref->retain(kSlot - 1);
    return reinterpret_cast<std::uint64_t>(ref.detach());
  }
  static T* pointer(std::uint64_t word) { return reinterpret_cast<T*>(word & (kReader - 1)); }

  mutable std::atomic<std::uint64_t> word_;
};

}  // namespace proconsul::base
