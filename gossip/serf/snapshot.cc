#include "gossip/serf/snapshot.h"

#include <algorithm>
#include <utility>

#include "base/strconv.h"

namespace proconsul::gossip::serf {
namespace {

constexpr std::size_t kLeastCompaction = std::size_t{128} * 1024;  // bytes
constexpr std::size_t kBytesPerNode = 2 * 128;
constexpr base::Duration kRecoveryInterval = base::seconds(30);

void read_clock(std::string_view text, LamportTime& clock, std::string_view what, const base::log::Logger& log) {
  const base::Result<std::uint64_t> time = base::parse_uint(text);
  if (time) {
    clock = *time;
  } else {
    log.warn("serf: Failed to convert " + std::string(what) + ": " + time.error().detail);
  }
}

/// What follows `head` in the line; false if the line begins otherwise.
bool take_head(std::string_view& line, std::string_view head) {
  if (!line.starts_with(head)) return false;
  line.remove_prefix(head.size());
  return true;
}

}  // namespace

SnapshotState read_snapshot(std::string_view content, bool rejoin_after_leave, const base::log::Logger& log) {
  SnapshotState state;
  while (!content.empty()) {
    const std::size_t end = content.find('\n');
    if (end == std::string_view::npos) {
      state.torn = true;
      break;
    }
    std::string_view line = content.substr(0, end);
    content.remove_prefix(end + 1);
    if (take_head(line, "alive: ")) {
      const std::size_t space = line.rfind(' ');
      if (space == std::string_view::npos) {
        log.warn("serf: Failed to parse address: alive: " + std::string(line));
        continue;
      }
      state.alive[std::string(line.substr(0, space))] = line.substr(space + 1);
    } else if (take_head(line, "not-alive: ")) {
      state.alive.erase(std::string(line));
    } else if (take_head(line, "clock: ")) {
      read_clock(line, state.clock, "clock time", log);
    } else if (take_head(line, "event-clock: ")) {
      read_clock(line, state.event_clock, "event clock time", log);
    } else if (take_head(line, "query-clock: ")) {
      read_clock(line, state.query_clock, "query clock time", log);
    } else if (line == "leave") {
      if (rejoin_after_leave) {
        log.info("serf: Ignoring previous leave in snapshot");
      } else {
        state = {};
      }
    } else if (!line.starts_with("coordinate: ") && !line.starts_with("#")) {
      log.warn("serf: Unrecognized snapshot line: " + std::string(line));
    }
  }
  return state;
}

Snapshot::Snapshot(SnapshotState state, std::size_t size, SnapshotStore& store, const base::Clock& clock,
                   base::log::Logger log)
    : state_(std::move(state)), size_(size), store_(store), clock_(clock), log_(std::move(log)) {
  if (std::exchange(state_.torn, false)) compact();
}

void Snapshot::record(const MemberEvent& event) {
  if (leaving_) return;
  for (const MemberPtr& member : event.members) {
    // Such a name would be read back as lines of its own.
    if (member->Name.find('\n') != std::string::npos) continue;
    if (event.type == MemberEventType::join) {
      std::string address = swim::to_string({member->Addr, member->Port});
      append("alive: " + member->Name + " " + address + "\n");
      state_.alive[member->Name] = std::move(address);
    } else if (event.type == MemberEventType::leave || event.type == MemberEventType::failed) {
      append("not-alive: " + member->Name + "\n");
      state_.alive.erase(member->Name);
    }
  }
}

void Snapshot::record_user_event(LamportTime time) {
  if (leaving_ || time <= state_.event_clock) return;
  state_.event_clock = time;
  append("event-clock: " + std::to_string(time) + "\n");
}

void Snapshot::record_query(LamportTime time) {
  if (leaving_ || time <= state_.query_clock) return;
  state_.query_clock = time;
  append("query-clock: " + std::to_string(time) + "\n");
}

void Snapshot::record_clock(LamportTime now) {
  const LamportTime seen = now - 1;  // the clock stands one above what was seen
  if (leaving_ || seen <= state_.clock) return;
  state_.clock = seen;
  append("clock: " + std::to_string(seen) + "\n");
}

void Snapshot::leave(bool rejoin_after_leave) {
  leaving_ = true;
  if (!rejoin_after_leave) state_.alive.clear();
  pending_ += "leave\n";
  size_ += pending_.size();
  store_.append(std::exchange(pending_, {}), true);
}

void Snapshot::append(std::string line) {
  pending_ += line;
}

std::size_t Snapshot::most() const {
  return std::max(kLeastCompaction, state_.alive.size() * kBytesPerNode);
}

bool Snapshot::flush() {
  if (!store_.healthy()) {
    // The file may have a hole: nothing but a whole new one helps. The recorded lines are in the state as well.
    if (clock_.now() - last_recovery_ < kRecoveryInterval && last_recovery_ != base::MonotonicTime{}) return true;
    last_recovery_ = clock_.now();
    log_.info("serf: Attempting compaction to recover from error...");
    compact();
    return true;
  }
  if (pending_.empty()) return false;
  if (size_ + pending_.size() > most()) {
    compact();
    return true;
  }
  size_ += pending_.size();
  store_.append(std::exchange(pending_, {}), false);
  return true;
}

void Snapshot::compact() {
  std::string content;
  for (const auto& [name, address] : state_.alive) content += "alive: " + name + " " + address + "\n";
  content += "clock: " + std::to_string(state_.clock) + "\n";
  content += "event-clock: " + std::to_string(state_.event_clock) + "\n";
  content += "query-clock: " + std::to_string(state_.query_clock) + "\n";
  if (leaving_) content += "leave\n";
  pending_.clear();
  size_ = content.size();
  store_.replace(std::move(content));
}

}  // namespace proconsul::gossip::serf
