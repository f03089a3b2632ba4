// Starting a program: what its process gets of ours, with the error texts of Go's os/exec, which scripts match on.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "base/net/socket.h"
#include "base/result.h"

namespace proconsul::base {

struct SpawnOptions {
  const std::vector<std::string>& arguments;  // the program, sought in PATH if it has no slash, and its arguments
  std::vector<std::pair<std::string, std::string>> environment{};  // added to ours
  int input = -1;                                                  // its standard input; -1: an empty one
  int output = -1;                                                 // its standard output and error; -1: ours
  bool own_group = false;                                          // a process group of its own, with its number
  bool close_others = false;                                       // descriptors above 2 that would be inherited
};

struct Spawned {
  pid_t pid = -1;
  net::Fd ended{};  // a pidfd, readable when it has ended; none on systems that do not offer it
};

/// Starts it with default signal dispositions and none blocked. Errc::not_found: there is no such program, or it cannot
/// be run.
Result<Spawned> spawn(const SpawnOptions& options);

/// Both ends of a pipe, closed when a program is run.
struct Pipe {
  net::Fd reader{}, writer{};
};
Result<Pipe> make_pipe();

}  // namespace proconsul::base
