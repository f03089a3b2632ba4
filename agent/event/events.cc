#include "agent/event/events.h"

#include <algorithm>

#include "agent/event/exec_job.h"
#include "base/log.h"
#include "base/msgpack.h"
#include "base/regex.h"
#include "base/uuid.h"

namespace proconsul::agent::event {

using base::Errc;
using base::Result;

namespace {

const base::log::Logger kLog("agent");

/// What serf never sends, whatever the configuration says.
constexpr std::size_t kSaneLimit = std::size_t{9} * 1024;

/// Serf's message around an event; its size counts towards the limit.
struct SerfUserEvent {
  std::uint64_t LTime{};
  std::string Name{};
  base::Bytes Payload{};
  bool CC{};
};
PROCONSUL_DECLARE_TYPE(SerfUserEvent)
PROCONSUL_DESCRIBE_TYPE(SerfUserEvent, "serf.messageUserEvent") {
  type.field("LTime", &SerfUserEvent::LTime);
  type.field("Name", &SerfUserEvent::Name);
  type.field("Payload", &SerfUserEvent::Payload);
  type.field("CC", &SerfUserEvent::CC);
}

Result<> check_size(std::size_t size, std::size_t limit, const char* when) {
  const char* what = "configured";
  if (size <= limit) {
    if (size <= kSaneLimit) return {};
    what = "sane";
    limit = kSaneLimit;
  }
  return {Errc::internal, std::string("user event exceeds ") + what + " limit of " + std::to_string(limit) + " bytes " +
                              when + " encoding"};
}

}  // namespace

Events::Events(Options options, base::WatchRegistry& watches) : options_(std::move(options)), watches_(watches) {}

Result<UserEvent> Events::fire(UserEvent event, base::Random& random) {
  if (Result<> valid = validate(event); !valid) return valid.error();
  const std::string payload = seal(event, random);
  const std::string name = std::string(kEventPrefix) + event.Name;
  Result<> sent = check_fits(name, payload);
  if (sent) sent = options_.broadcast ? options_.broadcast(name, payload) : deliver_alone(name, payload);
  if (!sent) return {sent.error().code, "error broadcasting event: " + sent.error().detail};
  return event;
}

Result<> Events::check_fits(std::string_view name, std::string_view payload) const {
  if (Result<> fits = check_size(name.size() + payload.size(), options_.size_limit, "before"); !fits) return fits;
  SerfUserEvent message{.Name = std::string(name), .Payload = base::Bytes(std::string(payload))};
  {
    const std::lock_guard lock(mutex_);
    message.LTime = clock_;
  }
  constexpr std::size_t kTypeByte = 1;
  return check_size(kTypeByte + base::to_msgpack(message, base::MsgpackHandle::plain).size(), options_.size_limit,
                    "after");
}

Result<> Events::deliver_alone(std::string_view name, std::string_view payload) {
  std::uint64_t time = 0;
  {
    const std::lock_guard lock(mutex_);
    time = clock_++;
  }
  receive(name, payload, time);
  return {};
}

bool Events::concerns_us(const UserEvent& event) const {
  if (event.Version > kEventVersion) {
    kLog.warn("Event version may have unsupported features", {{"version", event.Version}, {"event", event.Name}});
  }
  const auto compile = [&](const std::string& pattern, const char* what) {
    Result<base::Regex> regex = base::Regex::compile(pattern);
    if (!regex) {
      kLog.error(std::string("Failed to parse ") + what + " filter for event",
                 {{"filter", pattern}, {"event", event.Name}, {"error", regex.error().detail}});
    }
    return regex;
  };
  if (!event.NodeFilter.empty()) {
    const auto node = compile(event.NodeFilter, "node");
    if (!node || !node->matches(options_.node)) return false;
  }
  if (event.ServiceFilter.empty()) return true;
  const auto service = compile(event.ServiceFilter, "service");
  const auto tag = compile(event.TagFilter, "tag");
  if (!service || !tag) return false;
  return std::ranges::any_of(options_.services(), [&](const auto& entry) {
    if (!service->matches(entry.first)) return false;
    return event.TagFilter.empty() ||
           std::ranges::any_of(entry.second.Tags, [&](const std::string& own) { return tag->matches(own); });
  });
}

void Events::receive(std::string_view name, std::string_view payload, std::uint64_t ltime) {
  if (!name.starts_with(kEventPrefix)) return;
  UserEvent event;
  if (Result<> read = base::read_msgpack(payload, event, base::MsgpackHandle::event); !read) {
    kLog.error("Failed to decode event", {{"error", read.error().detail}});
    return;
  }
  event.LTime = ltime;
  if (!concerns_us(event)) return;
  if (event.Name == kExecEventName) {
    if (options_.execute) return options_.execute(std::move(event));
    return kLog.info("ignoring remote exec event, disabled.", {{"event_name", event.Name}, {"event_id", event.ID}});
  }
  kLog.debug("new event", {{"event_name", event.Name}, {"event_id", event.ID}});
  {
    const std::lock_guard lock(mutex_);
    if (kept_.size() == kKept) kept_.pop_front();
    kept_.push_back(std::move(event));
  }
  base::KeySet changed;
  watch_key(changed);
  watches_.report(changed);
}

std::vector<UserEvent> Events::list(std::string_view name) const {
  std::vector<UserEvent> events;
  const std::lock_guard lock(mutex_);
  for (const UserEvent& event : kept_) {
    if (name.empty() || event.Name == name) events.push_back(event);
  }
  return events;
}

void Events::watch_key(base::KeySet& keys) {
  keys.add_key("event");
}

}  // namespace proconsul::agent::event
