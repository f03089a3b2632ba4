// The little of Docker's API that checks need: where it listens, and what its answers say.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace proconsul::agent::checks {

struct DockerHost {
  bool is_unix = false;
  std::string address{};  // a path, or "host:port"
};
/// A value of DOCKER_HOST: "unix:///var/run/docker.sock" (the default if it is empty), "tcp://10.0.0.1:2375". The error
/// reads "unable to parse docker host `x`".
base::Result<DockerHost> parse_docker_host(const std::string& text);

/// The body that asks for a command to be run.
std::string create_exec_body(const std::vector<std::string>& command);
/// The id in the answer to it. Errors are those of a JSON decoder.
base::Result<std::string> exec_id_of(std::string_view body);
base::Result<std::int64_t> exit_code_of(std::string_view body);

}  // namespace proconsul::agent::checks
