// How a query's answer looks, whoever evaluated it: its headers, and those of a failure.
#pragma once

#include <string>

#include "agent/http/context.h"
#include "agent/http/encode.h"
#include "agent/http/request.h"
#include "agent/http/route.h"
#include "base/result.h"

namespace proconsul::agent::http {

/// Consul answers these from its streaming backend, which keeps their answers at hand.
bool streams(const Settings& settings, const Request& request, const Route& route);
/// What Consul's cache tells answers apart by: not how they are sorted, nor the consistency that was asked for.
std::string cache_key(const Request& request, const Route& route, bool streams);
/// What the headers say of an answer whose index, leader and age are known.
ReadMeta read_meta(const Settings& settings, ReadMeta known, const Request& request, const Route& route);
/// Whether an answer has headers of a query.
bool shows_meta(const Answer& answer, const Route& route);
/// The answer to a query that failed.
Reply failed_read(const base::Error& error, const Route& route);

}  // namespace proconsul::agent::http
