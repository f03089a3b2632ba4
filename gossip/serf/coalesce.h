// Gathers events that come in bursts, so that the layer above sees the outcome and not each step.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "gossip/alarms.h"
#include "gossip/serf/event.h"

namespace proconsul::gossip::serf {

/// When what was gathered is due: `quiescent` after the last event, at most `coalesce` after the first.
class CoalesceTimer {
 public:
  CoalesceTimer(Alarms& alarms, base::Duration coalesce, base::Duration quiescent, std::function<void()> flush)
      : alarms_(alarms), coalesce_(coalesce), quiescent_(quiescent), flush_(std::move(flush)) {}
  ~CoalesceTimer() { disarm(); }
  bool enabled() const { return coalesce_.nanoseconds > 0 && quiescent_.nanoseconds > 0; }
  void gathered();
  void disarm();

 private:
  void fire();

  Alarms& alarms_;
  base::Duration coalesce_;
  base::Duration quiescent_;
  std::function<void()> flush_;
  Alarms::Id quantum_alarm_ = 0;
  Alarms::Id quiescent_alarm_ = 0;
};

/// Of each member only its latest event, and not the same one twice running (updates are always new).
class MemberCoalescer {
 public:
  using Deliver = std::function<void(const MemberEvent&)>;
  MemberCoalescer(Alarms& alarms, base::Duration coalesce, base::Duration quiescent, Deliver deliver);
  void add(const MemberEvent& event);
  /// What is gathered, now.
  void flush();

 private:
  struct Latest {
    MemberEventType type{};
    MemberPtr member{};
  };
  Deliver deliver_;
  CoalesceTimer timer_;
  std::map<std::string, Latest, std::less<>> latest_{};
  std::map<std::string, MemberEventType, std::less<>> delivered_{};
};

/// Of each event's name only those of the latest time. Events that may not be coalesced pass at once.
class UserEventCoalescer {
 public:
  using Deliver = std::function<void(const UserEventMessage&)>;
  UserEventCoalescer(Alarms& alarms, base::Duration coalesce, base::Duration quiescent, Deliver deliver);
  void add(const UserEventMessage& event);
  void flush();

 private:
  Deliver deliver_;
  CoalesceTimer timer_;
  std::map<std::string, std::vector<UserEventMessage>, std::less<>> latest_{};
};

}  // namespace proconsul::gossip::serf
