// What watches do with news: run a program, or send it to an HTTP endpoint.
#pragma once

#include "agent/watch/runner.h"

namespace proconsul::agent::watch {

/// The handler that the plan asks for. Programs get the data on standard input and CONSUL_INDEX in their environment;
/// endpoints as body and X-Consul-Index. What they answer is logged (its last 4 KiB). It waits until they are done or
/// `abandon` is raised; `log` and `abandon` outlive it.
Handler make_handler(const Plan& plan, const base::log::Logger& log, base::Interrupt& abandon);

}  // namespace proconsul::agent::watch
