// A user event, as /v1/event shows it and as agents send it to each other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "base/type.h"

namespace proconsul::agent::event {

/// Before the names of Consul's user events, where serf carries them.
inline constexpr std::string_view kEventPrefix = "consul:event:";

/// That agents of this version understand.
inline constexpr base::Int kEventVersion = 1;

struct UserEvent {
  std::string ID{};  // UUID text
  std::string Name{};
  base::Bytes Payload{};
  // Regular expressions: only agents of such a node, with such a service, with such a tag of it keep the event.
  std::string NodeFilter{};
  std::string ServiceFilter{};
  std::string TagFilter{};
  base::Int Version{};
  std::uint64_t LTime{};  // Lamport time; travels beside the event
};
PROCONSUL_DECLARE_TYPE(UserEvent)

/// Refuses what can reach nobody: no name, a tag without a service, a filter that is no regular expression.
base::Result<> validate(const UserEvent& event);

/// Gives the event its ID; its bytes, as agents send it to each other.
std::string seal(UserEvent& event, base::Random& random);

/// What blocking readers compare: changes with every event, and grows with none.
std::uint64_t index_of(const UserEvent& event);

}  // namespace proconsul::agent::event
