#include "agent/server/coordinate_batch.h"

#include <algorithm>

namespace proconsul::agent::server {

void CoordinateBatch::add(catalog::Coordinate coordinate) {
  bool is_first = false;
  {
    const std::lock_guard lock(mutex_);
    is_first = gathered_.empty();
    std::pair<std::string, std::string> key(coordinate.Segment, coordinate.Node);
    gathered_.insert_or_assign(std::move(key), std::move(coordinate));
  }
  if (is_first) first_();
}

CoordinateBatch::Taken CoordinateBatch::take() {
  Taken taken;
  const std::lock_guard lock(mutex_);
  const std::size_t most = options_.batch_size * options_.max_batches;
  taken.dropped = gathered_.size() - std::min(gathered_.size(), most);
  for (auto& [key, coordinate] : std::exchange(gathered_, {})) {
    if (taken.batches.empty() || taken.batches.back().size() >= options_.batch_size) {
      if (taken.batches.size() >= options_.max_batches) break;
      taken.batches.emplace_back();
    }
    taken.batches.back().emplace_back(std::move(coordinate));
  }
  return taken;
}

}  // namespace proconsul::agent::server
