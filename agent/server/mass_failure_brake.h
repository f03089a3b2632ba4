// Holds back what many members that seem to fail at once would do to the catalog: then it is likelier that the network
// between them and this server failed than that all of them did. Pure: failures and the time go in, who is held comes
// out.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "base/time.h"

namespace proconsul::agent::server {

class MassFailureBrake {
 public:
  struct Settings {
    bool enabled = false;
    int max_failed_percent = 20;                   // of the members; more at once, and none of them is marked
    std::size_t min_failed = 3;                    // fewer are no mass, whatever share of a small pool they are
    base::Duration window = base::seconds(60);     // failures this near to each other count together
    base::Duration max_hold = base::seconds(600);  // of each member
    bool operator==(const Settings&) const = default;
  };
  struct State {
    bool engaged = false;
    std::size_t held = 0;     // members whose failure is not told to the catalog
    std::size_t failing = 0;  // failed lately, held or suspect
    std::size_t members = 0;  // of which
  };
  enum class Change : std::uint8_t { none, engaged, released, expired };

  void set(const Settings& settings) { settings_ = settings; }
  /// Nothing of an earlier term counts.
  void clear();
  /// A member failed, and the catalog does not know it yet. Again: nothing new.
  void failed(const std::string& name, base::MonotonicTime now);
  /// It is alive again, has left or is forgotten.
  void over(const std::string& name) { failures_.erase(name); }
  /// Weighs what is known. `alive`: members that have not failed, `suspect` of them. `released`: the mass failure is
  /// over, and who is still failed is to be marked now; `expired`: some were held for as long as may be, mark them.
  Change weigh(std::size_t alive, std::size_t suspect, base::MonotonicTime now);
  /// There is nothing to weigh.
  bool idle() const { return failures_.empty() && !state_.engaged; }
  /// Its failure must not reach the catalog now.
  bool holds(const std::string& name) const;
  /// Of the last weighing.
  const State& state() const { return state_; }
  /// When to weigh again, though nothing happened.
  std::optional<base::MonotonicTime> due() const { return due_; }

 private:
  enum class Standing : std::uint8_t { marked, held, expired };
  struct Failure {
    base::MonotonicTime since{};
    Standing standing{};
  };
  Settings settings_{};
  State state_{};
  std::optional<base::MonotonicTime> due_{};
  std::unordered_map<std::string, Failure> failures_{};
};

}  // namespace proconsul::agent::server
