// The kinds of probes; make_probe() in probe.h chooses among them.
#pragma once

#include <memory>

#include "agent/checks/probe.h"

namespace proconsul::agent::checks {

std::unique_ptr<Probe> make_http_probe(const catalog::CheckType& check, std::size_t output_max_size,
                                       Surroundings& surroundings, ProbeUser& user);
std::unique_ptr<Probe> make_tcp_probe(const catalog::CheckType& check, Surroundings& surroundings, ProbeUser& user);
std::unique_ptr<Probe> make_udp_probe(const catalog::CheckType& check, Surroundings& surroundings, ProbeUser& user);
std::unique_ptr<Probe> make_script_probe(const catalog::CheckType& check, std::size_t output_max_size,
                                         Surroundings& surroundings, ProbeUser& user);
std::unique_ptr<Probe> make_docker_probe(const catalog::CheckType& check, std::size_t output_max_size,
                                         Surroundings& surroundings, ProbeUser& user);
std::unique_ptr<Probe> make_grpc_probe(const catalog::CheckType& check, Surroundings& surroundings, ProbeUser& user);
std::unique_ptr<Probe> make_h2ping_probe(const catalog::CheckType& check, Surroundings& surroundings, ProbeUser& user);
std::unique_ptr<Probe> make_os_service_probe(const catalog::CheckType& check, Surroundings& surroundings,
                                             ProbeUser& user);

}  // namespace proconsul::agent::checks
