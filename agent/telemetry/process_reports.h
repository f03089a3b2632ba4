// What can be told of this process at one moment, in the text forms that `pprof` reads.
#pragma once

#include <string>

namespace proconsul::agent {

/// The memory that the C library's allocator has handed out: one sample per arena and one for what it took from the
/// system by itself. It knows bytes, not objects or who asked for them: an arena counts as one object.
std::string heap_report();

/// Every thread with its name, its state, its processor time and, where the kernel tells, the address at which it
/// waits. `kind` is the first word: "goroutine" or "threadcreate".
std::string thread_report(const std::string& kind);

/// The words of the command line, with a NUL between them.
std::string command_line();

}  // namespace proconsul::agent
