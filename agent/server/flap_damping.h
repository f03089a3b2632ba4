// Who fails and comes back again and again stays failed for those who ask until it has been stable for a while. Pure:
// changes and the time go in, who is held comes out.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "base/time.h"

namespace proconsul::agent::server {

class FlapDamping {
 public:
  struct Settings {
    bool enabled = false;
    std::size_t max_changes = 5;  // more within the window is flapping
    base::Duration window = base::seconds(600);
    base::Duration stable_time = base::seconds(120);  // without a change, until it is trusted again
    bool operator==(const Settings&) const = default;
  };

  void set(const Settings& settings) { settings_ = settings; }
  const Settings& settings() const { return settings_; }
  void clear() { members_.clear(); }
  /// A member turned alive or failed; the same as before is no change, and who never failed is not kept. True: from
  /// here on it is damped.
  bool changed(const std::string& name, bool alive, base::MonotonicTime now);
  /// It has left or is forgotten.
  void forget(const std::string& name) { members_.erase(name); }
  /// Alive, it must not be passing yet.
  bool damps(const std::string& name) const;
  /// How often it changed within the window.
  std::size_t changes(const std::string& name) const;
  /// True: some of those that were damped are trusted again.
  bool end_stable(base::MonotonicTime now);
  /// When end_stable has something to do.
  std::optional<base::MonotonicTime> due() const;
  /// How many are damped.
  std::size_t count() const;

 private:
  struct Member {
    bool alive = true;
    bool damped = false;
    std::deque<base::MonotonicTime> changes{};
  };
  Settings settings_{};
  std::unordered_map<std::string, Member> members_{};
};

}  // namespace proconsul::agent::server
