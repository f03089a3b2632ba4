#include "tests/simulation/invariants.h"

#include <algorithm>

#include "tests/simulation/disk.h"

namespace proconsul::simulation {

namespace {

constexpr std::uint64_t kUnknown = ~std::uint64_t{0};

std::string place(std::uint64_t index, std::uint64_t term) {
  return "entry " + std::to_string(index) + " of term " + std::to_string(term);
}

}  // namespace

Invariants::Committed& Invariants::at(std::uint64_t index) {
  if (committed_.size() < index) committed_.resize(index);
  return committed_[index - 1];
}

void Invariants::leader_elected(const std::string& server, const raft::Core& core) {
  const std::uint64_t term = core.term().value;
  if (leaders_.size() <= term) leaders_.resize(term + 1);
  if (!leaders_[term].empty() && leaders_[term] != server) {
    fail("election safety: " + leaders_[term] + " and " + server + " both lead term " + std::to_string(term));
  }
  leaders_[term] = server;
  for (std::uint64_t index = core.log().first().value; index <= committed_.size(); ++index) {
    const Committed& known = committed_[index - 1];
    if (known.term == 0 || known.in_term >= term) continue;
    const auto here = core.log().term_at({index});
    if (here && here->value == known.term) continue;
    return fail("leader completeness: " + server + " leads term " + std::to_string(term) + " without committed " +
                place(index, known.term));
  }
}

void Invariants::appended(const std::string& server, const raft::Core& core, const raft::StorageWrite& write) {
  if (write.entries.empty()) return;
  const auto before = core.log().term_at(write.entries.front()->index - 1);
  std::uint64_t previous = before ? before->value : kUnknown;  // compacted already
  for (const raft::EntryPtr& entry : write.entries) {
    const Known here{checksum(*entry), previous};
    const auto [known, added] = entries_.try_emplace((entry->term.value << 32) | entry->index.value, here);
    std::uint64_t& before_it = known->second.previous_term;
    if (before_it == kUnknown) before_it = previous;
    if (!added && (known->second.content != here.content || (previous != kUnknown && before_it != previous))) {
      fail("log matching: " + place(entry->index.value, entry->term.value) + " differs on " + server);
    }
    previous = entry->term.value;
  }
}

void Invariants::committed(const std::string& server, const raft::Core& core) {
  std::uint64_t& checked = checked_[server];
  for (std::uint64_t index = std::max(checked + 1, core.log().first().value); index <= core.commit().value; ++index) {
    const std::uint64_t term = core.log().term_at({index})->value;
    Committed& known = at(index);
    if (known.term != 0 && known.term != term) {
      fail("state-machine safety: " + place(index, known.term) + " was committed, " + server + " commits term " +
           std::to_string(term));
    }
    if (known.term != 0) continue;
    known.term = term;
    known.in_term = core.term().value;
  }
  const bool advanced = core.commit().value > checked;
  checked = std::max(checked, core.commit().value);
  // By counting, a leader commits entries of its own leadership only (Raft paper, figure 8).
  if (advanced && core.role() == raft::Role::leader && core.commit() < core.leads_from()) {
    fail("commit rule: " + server + " leads term " + std::to_string(core.term().value) + " and counts " +
         place(core.commit().value, core.log().term_at(core.commit())->value));
  }
}

void Invariants::applied(const std::string& server, std::uint64_t expected, const raft::Entry& entry,
                         std::uint64_t digest) {
  const std::uint64_t index = entry.index.value;
  if (index != expected) {
    return fail("state-machine safety: " + server + " applies entry " + std::to_string(index) + " where " +
                std::to_string(expected) + " is due");
  }
  Committed& known = at(index);
  const std::uint64_t content = checksum(entry);
  if (known.content != 0 && known.content != content) {
    fail("state-machine safety: " + server + " applies another " + place(index, entry.term.value));
  }
  if (known.digest != 0 && known.digest != digest) {
    fail("state-machine safety: the state of " + server + " differs after " + place(index, entry.term.value));
  }
  known.content = content;
  known.digest = digest;
}

void Invariants::restored(const std::string& server, std::uint64_t index, std::uint64_t digest) {
  Committed& known = at(index);
  if (known.digest != 0 && known.digest != digest) {
    fail("state-machine safety: the snapshot at " + std::to_string(index) + " gives " + server + " another state");
  }
  known.digest = digest;
}

void Invariants::user_restored(std::uint64_t index, std::uint64_t term, std::uint64_t digest) {
  Committed& known = at(index);
  known.term = known.in_term = term;
  known.digest = digest;
}

}  // namespace proconsul::simulation
