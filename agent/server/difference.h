// What makes the rows of this datacenter like those of another one.
#pragma once

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

namespace proconsul::agent::server {

template <class Row>
struct Difference {
  std::vector<Row> gone{};  // here alone: to be deleted, first
  std::vector<Row> set{};   // there alone, or other than here; both are sorted
};

/// Rows are the same by their `key`; of two such `changed(ours, theirs)` says whether theirs is to be written.
template <class Row, class Key, class Changed>
Difference<Row> difference(std::vector<Row> here, std::vector<Row> there, Key key, Changed changed) {
  std::ranges::sort(here, {}, key);
  std::ranges::sort(there, {}, key);
  Difference<Row> found;
  auto ours = here.begin();
  for (Row& theirs : there) {
    for (; ours != here.end() && std::invoke(key, *ours) < std::invoke(key, theirs); ++ours) {
      found.gone.push_back(std::move(*ours));
    }
    const bool both = ours != here.end() && !(std::invoke(key, theirs) < std::invoke(key, *ours));
    if (!both || changed(*ours, theirs)) found.set.push_back(std::move(theirs));
    if (both) ++ours;
  }
  for (; ours != here.end(); ++ours) found.gone.push_back(std::move(*ours));
  return found;
}

}  // namespace proconsul::agent::server
