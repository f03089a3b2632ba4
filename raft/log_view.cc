#include "raft/log_view.h"

#include <algorithm>

#include "raft/configuration.h"

namespace proconsul::raft {

namespace {

constexpr std::size_t kLoadCacheBytes = std::size_t{16} << 20;

std::size_t bytes_of(const Entry& entry) {
  return sizeof(Entry) + entry.data.size() + entry.extensions.size();
}

}  // namespace

void LogView::set_snapshot(LogIndex index, Term term) {
  reset(index, term);
}

base::Result<> LogView::load(EntryPtr entry) {
  const LogIndex index = entry->index;
  if (count_ == 0 && index < first_) {
    // Compaction leaves entries behind a snapshot; the term before the first of them is not on disk any more.
    first_ = index;
    runs_.clear();
    if (index.value <= 1) runs_.push_back({LogIndex{0}, Term{0}});
  }
  if (index != last() + 1) {
    return {base::Errc::corrupt,
            "raft log: entry " + std::to_string(index.value) + " follows entry " + std::to_string(last().value)};
  }
  if (base::Result<> added = append(std::move(entry)); !added) return added;
  evict(last(), kLoadCacheBytes);
  return {};
}

Term LogView::last_term() const {
  return runs_.empty() ? Term{} : runs_.back().term;
}

std::optional<Term> LogView::term_at(LogIndex index) const {
  if (runs_.empty() || index < runs_.front().first || index > last()) return std::nullopt;
  if (index >= runs_.back().first) return runs_.back().term;
  auto after = std::upper_bound(runs_.begin(), runs_.end(), index,
                                [](LogIndex wanted, const Run& run) { return wanted < run.first; });
  return (after - 1)->term;
}

LogIndex LogView::term_start(LogIndex index) const {
  auto after = std::upper_bound(runs_.begin(), runs_.end(), index,
                                [](LogIndex wanted, const Run& run) { return wanted < run.first; });
  return after == runs_.begin() ? first_ : (after - 1)->first;
}

base::Result<> LogView::append(EntryPtr entry) {
  if (holds_configuration(*entry)) {
    base::Result<Configuration> configuration = configuration_of(*entry);
    if (!configuration) return configuration.error();
    configurations_.push_back({entry->index, std::move(*configuration)});
  }
  ++count_;
  if (runs_.empty() || runs_.back().term != entry->term) runs_.push_back({entry->index, entry->term});
  cached_bytes_ += bytes_of(*entry);
  cache_.push_back(std::move(entry));
  return {};
}

void LogView::truncate_from(LogIndex index) {
  while (count_ > 0 && last() >= index) {
    --count_;
    if (!cache_.empty()) {
      cached_bytes_ -= bytes_of(*cache_.back());
      cache_.pop_back();
    }
  }
  while (runs_.size() > 1 && runs_.back().first >= index) runs_.pop_back();
  while (!configurations_.empty() && configurations_.back().index >= index) configurations_.pop_back();
}

void LogView::compact(LogIndex up_to) {
  up_to = std::min(up_to, last());
  if (up_to < first_) return;
  const std::optional<Term> term = term_at(up_to);
  auto after = std::upper_bound(runs_.begin(), runs_.end(), up_to,
                                [](LogIndex wanted, const Run& run) { return wanted < run.first; });
  if (after != runs_.begin()) {
    runs_.erase(runs_.begin(), after - 1);
    runs_.front() = {up_to, *term};
  }
  count_ -= up_to.value + 1 - first_.value;
  first_ = up_to + 1;
  while (cache_.size() > count_) {
    cached_bytes_ -= bytes_of(*cache_.front());
    cache_.pop_front();
  }
  std::erase_if(configurations_, [&](const Configured& configured) { return configured.index <= up_to; });
}

void LogView::reset(LogIndex index, Term term) {
  first_ = index + 1;
  count_ = 0;
  runs_.assign(1, {index, term});
  cache_.clear();
  cached_bytes_ = 0;
  configurations_.clear();
}

const EntryPtr* LogView::cached(LogIndex index) const {
  if (index > last() || index.value + cache_.size() <= last().value) return nullptr;
  return &cache_[cache_.size() - 1 - (last().value - index.value)];
}

void LogView::evict(LogIndex keep_after, std::size_t max_bytes) {
  while (cached_bytes_ > max_bytes && !cache_.empty() && cache_.front()->index <= keep_after) {
    cached_bytes_ -= bytes_of(*cache_.front());
    cache_.pop_front();
  }
}

}  // namespace proconsul::raft
