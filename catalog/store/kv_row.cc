#include "catalog/store/kv_row.h"

#include <cstring>
#include <new>

namespace proconsul::catalog {

KvRow::KvRow(const DirEntry& entry)
    : value_size_(static_cast<std::uint32_t>(entry.Value.size())),
      create_index_(entry.CreateIndex),
      modify_index_(entry.ModifyIndex),
      lock_index_(entry.LockIndex),
      flags_(entry.Flags),
      session_size_(static_cast<std::uint32_t>(entry.Session.size()) & 0x7fffffffu),
      value_is_nil_(entry.Value.is_nil()) {
  auto* to = reinterpret_cast<char*>(this + 1);
  std::memcpy(to, entry.Value.data(), entry.Value.size());
  std::memcpy(to + entry.Value.size(), entry.Session.data(), entry.Session.size());
}

base::Ref<const KvRow> KvRow::make(const DirEntry& entry) {
  void* memory = ::operator new(sizeof(KvRow) + entry.Value.size() + entry.Session.size());
  return base::Ref<const KvRow>::adopt(new (memory) KvRow(entry));
}

void KvRow::destroy(const KvRow* row) {
  row->~KvRow();
  ::operator delete(const_cast<KvRow*>(row));
}

DirEntry KvRow::entry_without_value(std::string_view key) const {
  DirEntry entry;
  entry.CreateIndex = create_index_;
  entry.ModifyIndex = modify_index_;
  entry.LockIndex = lock_index_;
  entry.Key = key;
  entry.Flags = flags_;
  entry.Session = session();
  return entry;
}

DirEntry KvRow::entry(std::string_view key) const {
  DirEntry entry = entry_without_value(key);
  entry.Value.assign(value());
  entry.Value.present = !value_is_nil_;
  return entry;
}

bool KvRow::same_content(const DirEntry& entry) const {
  return lock_index_ == entry.LockIndex && flags_ == entry.Flags && value() == std::string_view(entry.Value) &&
         session() == entry.Session;
}

}  // namespace proconsul::catalog
