// A random order of numbers that is only made as far as it is looked at.
#pragma once

#include <array>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "base/random.h"

namespace proconsul::agent::dns {

/// Draws each number below `count` once, evenly: Fisher and Yates's shuffle over an array that exists only where it was
/// changed, until many numbers are drawn. `scratch` is the whole array then.
class Shuffle {
 public:
  Shuffle(std::uint32_t count, base::Random& random, std::vector<std::uint32_t>& scratch)
      : count_(count), random_(random), scratch_(scratch) {}

  bool done() const { return drawn_ == count_; }
  std::uint32_t next() {
    if (drawn_ == kSparse && !whole_) make_whole();
    const std::uint32_t place = drawn_++;
    const auto other = place + static_cast<std::uint32_t>(random_.below(count_ - place));
    if (whole_) {
      std::swap(scratch_[place], scratch_[other]);
      return scratch_[place];
    }
    const std::uint32_t drawn = at(other);
    if (other != place) changed_[changes_++] = {other, at(place)};
    return drawn;
  }

 private:
  static constexpr std::uint32_t kSparse = 24;

  std::uint32_t at(std::uint32_t place) const {
    for (std::uint32_t i = changes_; i-- > 0;) {
      if (changed_[i].first == place) return changed_[i].second;
    }
    return place;
  }
  void make_whole() {
    scratch_.resize(count_);
    std::iota(scratch_.begin(), scratch_.end(), 0U);
    for (std::uint32_t i = 0; i < changes_; ++i) scratch_[changed_[i].first] = changed_[i].second;
    whole_ = true;
  }

  const std::uint32_t count_;
  base::Random& random_;
  std::vector<std::uint32_t>& scratch_;
  std::uint32_t drawn_ = 0;
  std::uint32_t changes_ = 0;
  std::array<std::pair<std::uint32_t, std::uint32_t>, kSparse> changed_;  // the last change of a place counts
  bool whole_ = false;
};

}  // namespace proconsul::agent::dns
