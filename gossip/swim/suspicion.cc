#include "gossip/swim/suspicion.h"

#include <algorithm>

#include "gossip/swim/timing.h"

namespace proconsul::gossip::swim {

Suspicion::Suspicion(std::string_view from, int wanted, base::Duration least, base::Duration most,
                     base::MonotonicTime start)
    : wanted_(wanted),
      least_(least),
      most_(most),
      start_(start),
      deadline_(start + (wanted < 1 ? least : most)),
      said_{std::string(from)} {}

bool Suspicion::confirm(std::string_view from) {
  if (confirmations() >= wanted_) return false;
  if (std::find(said_.begin(), said_.end(), from) != said_.end()) return false;
  said_.emplace_back(from);
  deadline_ = start_ + remaining_suspicion(confirmations(), wanted_, least_, most_);
  return true;
}

void Awareness::apply(int delta) {
  score_ = std::clamp(score_ + delta, 0, std::max(0, bound_ - 1));
}

}  // namespace proconsul::gossip::swim
