#include "catalog/store/store.h"

#include <algorithm>
#include <utility>

#include "catalog/store/key.h"

namespace proconsul::catalog {

std::uint64_t Tables::index_of(std::string_view name) const {
  return indexes.get(lower_case(name));
}

std::uint64_t Tables::index_of(std::initializer_list<std::string_view> names) const {
  std::uint64_t highest = 0;
  for (const auto name : names) highest = std::max(highest, index_of(name));
  return highest;
}

void Transaction::set_index(std::string_view name, std::uint64_t value) {
  const std::string key = lower_case(name);
  tables_.indexes.set(key, value);
  touch(Topic::index, key);
}

void Transaction::raise_index(std::string_view name, std::uint64_t value) {
  const std::string key = lower_case(name);
  if (tables_.indexes.raise(key, value)) touch(Topic::index, key);
}

void Transaction::erase_index(std::string_view name) {
  const std::string key = lower_case(name);
  if (tables_.indexes.erase(key)) touch(Topic::index, key);
}

void Transaction::capture() {
  if (captured_ == changed_.size()) return;
  capture_changes(tables_, changed_, captured_, index_, changes_);
  captured_ = changed_.size();
}

void Transaction::roll_back(Savepoint savepoint) {
  tables_ = std::move(savepoint.tables);
  changed_.truncate(savepoint.changes);
  effects_.lock_delays.resize(savepoint.lock_delays);
  effects_.tombstone_index = savepoint.tombstone_index;
}

namespace {

ViewPtr make_view(const Tables& tables, std::uint64_t applied_index) {
  return ViewPtr::adopt(new View(tables, applied_index));
}

}  // namespace

Store::Store() : writer_(Tables{}), current_(make_view(Tables{}, 0)) {}

Effects Store::commit() {
  writer_.capture();
  complete_removals(current_.load()->tables(), writer_.changes_);
  current_.store(make_view(writer_.tables_, writer_.index_));
  changes_.append(std::exchange(writer_.changes_, {}), writer_.index_);
  // After publishing: a waiter that registers too late for this report finds the new version when it looks once more.
  watches_.report(writer_.changed_);
  writer_.changed_.clear();
  writer_.captured_ = 0;
  return std::exchange(writer_.effects_, Effects{});
}

void Store::replace(Tables tables, std::uint64_t applied_index) {
  writer_ = Transaction(std::move(tables));
  writer_.begin_command(applied_index);
  current_.store(make_view(writer_.tables_, applied_index));
  changes_.restart(applied_index);
  watches_.report_all();
}

}  // namespace proconsul::catalog
