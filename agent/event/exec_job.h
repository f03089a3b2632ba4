// What agents are asked to run by `exec`: the job, which is kept in the key-value store, and the event that tells of
// it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/type.h"

namespace proconsul::agent::event {

/// The user event that asks agents to run a job; its payload is an ExecEvent in JSON.
inline constexpr std::string_view kExecEventName = "_rexec";

struct ExecEvent {
  std::string Prefix{};   // of all keys; the job is PREFIX/SESSION/job
  std::string Session{};  // ID; holds the lock of every key that belongs to the job
};
PROCONSUL_DECLARE_TYPE(ExecEvent)

/// One of the first three is given.
struct ExecJob {
  std::string Command{};  // of a shell
  base::List<std::string> Args{};
  base::Bytes Script{};  // becomes an executable file
  std::int64_t Wait{};   // nanoseconds without output after which agents show that they still run it
};
PROCONSUL_DECLARE_TYPE(ExecJob)

// Below PREFIX/SESSION/: the job, and what each node answers below its name.
inline constexpr std::string_view kExecJobKey = "job";
inline constexpr std::string_view kExecAck = "ack";
inline constexpr std::string_view kExecExit = "exit";   // exit code, decimal
inline constexpr std::string_view kExecOutput = "out";  // out/00000 and so on: output, or nothing, which is a heartbeat

}  // namespace proconsul::agent::event
