// Gathers what of a snapshot is not restored, while it is read.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/result.h"
#include "base/type.h"
#include "catalog/snapshot.h"

namespace proconsul::catalog {

/// One thread. A record is begun and examined, then either kept or left out.
class SnapshotChecker {
 public:
  void begin(std::uint8_t number);
  /// Of a record that decodes as `type`: notes the keys that are lost. An error: it belongs to a namespace, or it is of
  /// access control and might allow more without them.
  base::Result<> examine(std::string_view body, const base::Type& type);
  /// Of a record that is kept as it comes.
  base::Result<> examine_foreign(std::string_view body);

  void keep(std::uint8_t number);
  void leave_out(std::uint8_t number, const base::Error& reason, std::uint64_t offset, std::uint64_t size);
  SnapshotCheck take();

 private:
  using Key = std::tuple<std::uint8_t, std::string, std::string>;  // kind of record, field, reason
  void count(Key key);

  bool of_access_control_ = false;     // the record that is looked at
  std::vector<std::string> fields_{};  // that it loses
  std::map<Key, base::Int> rows_{};
  base::Int others_ = 0;  // records that found no row any more
  std::vector<SnapshotCheck::Range> left_out_{};
};

}  // namespace proconsul::catalog
