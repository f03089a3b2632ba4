// How the store keeps one key: in a single allocation, without the key, which is in the tree already.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/ref.h"
#include "catalog/types/kv.h"

namespace proconsul::catalog {

/// Immutable. What DirEntry says of its fields holds here.
class KvRow : public base::RefCounted {
 public:
  static base::Ref<const KvRow> make(const DirEntry& entry);
  static void destroy(const KvRow* row);
  KvRow(const KvRow&) = delete;
  KvRow& operator=(const KvRow&) = delete;

  std::uint64_t create_index() const { return create_index_; }
  std::uint64_t modify_index() const { return modify_index_; }
  std::uint64_t lock_index() const { return lock_index_; }
  std::uint64_t flags() const { return flags_; }
  std::string_view value() const { return {tail(), value_size_}; }
  bool value_is_nil() const { return value_is_nil_; }
  std::string_view session() const { return {tail() + value_size_, session_size_}; }

  /// The row as it travels.
  DirEntry entry(std::string_view key) const;
  DirEntry entry_without_value(std::string_view key) const;
  /// Same content; the indexes of creation and modification do not count.
  bool same_content(const DirEntry& entry) const;

 private:
  explicit KvRow(const DirEntry& entry);
  ~KvRow() = default;
  const char* tail() const { return reinterpret_cast<const char*>(this + 1); }

  std::uint32_t value_size_;
  std::uint64_t create_index_;
  std::uint64_t modify_index_;
  std::uint64_t lock_index_;
  std::uint64_t flags_;
  std::uint32_t session_size_ : 31;
  std::uint32_t value_is_nil_ : 1;
};

}  // namespace proconsul::catalog
