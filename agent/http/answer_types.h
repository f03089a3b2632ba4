// Answers that are put together from parts, as types: for those who build them and for the API's document.
#pragma once

#include <cstdint>
#include <string>

#include "agent/http/member_types.h"
#include "base/type.h"
#include "base/value.h"
#include "catalog/types/coordinate.h"
#include "catalog/types/kv.h"

namespace proconsul::agent::http {

struct AgentSelf {
  base::Map<base::Value> Config{}, DebugConfig{};
  base::Pointer<catalog::NetworkCoordinate> Coord{};
  http::Member Member{};
  base::Map<base::Map<std::string>> Stats{};
  base::Map<std::string> Meta{};
};
PROCONSUL_DECLARE_TYPE(AgentSelf)

struct AgentVersion {
  std::string SHA{}, BuildDate{}, HumanVersion{}, FIPS{};
};
PROCONSUL_DECLARE_TYPE(AgentVersion)

struct MetricsGauge {
  std::string Name{};
  double Value{};
  base::Map<std::string> Labels{};
};
PROCONSUL_DECLARE_TYPE(MetricsGauge)

/// A counter, or a sample: of what happened in the interval.
struct MetricsSample {
  std::string Name{};
  base::Int Count{};
  double Rate{}, Sum{}, Min{}, Max{}, Mean{}, Stddev{};
  base::Map<std::string> Labels{};
};
PROCONSUL_DECLARE_TYPE(MetricsSample)

struct MetricsSummary {
  std::string Timestamp{};
  base::List<MetricsGauge> Gauges{};
  base::List<base::Value> Points{};
  base::List<MetricsSample> Counters{}, Samples{};
};
PROCONSUL_DECLARE_TYPE(MetricsSummary)

struct SessionCreated {
  std::string ID{};
};
PROCONSUL_DECLARE_TYPE(SessionCreated)

}  // namespace proconsul::agent::http
