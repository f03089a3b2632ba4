#include "agent/http/answer_types.h"

namespace proconsul::agent::http {

PROCONSUL_DESCRIBE_TYPE(AgentSelf, "agent.Self") {
  type.field("Config", &AgentSelf::Config);
  type.field("DebugConfig", &AgentSelf::DebugConfig);
  type.field("Coord", &AgentSelf::Coord);
  type.field("Member", &AgentSelf::Member);
  type.field("Stats", &AgentSelf::Stats);
  type.field("Meta", &AgentSelf::Meta);
}

PROCONSUL_DESCRIBE_TYPE(AgentVersion, "version.BuildInfo") {
  type.field("SHA", &AgentVersion::SHA);
  type.field("BuildDate", &AgentVersion::BuildDate);
  type.field("HumanVersion", &AgentVersion::HumanVersion);
  type.field("FIPS", &AgentVersion::FIPS);
}

PROCONSUL_DESCRIBE_TYPE(MetricsGauge, "metrics.GaugeValue") {
  type.field("Name", &MetricsGauge::Name);
  type.field("Value", &MetricsGauge::Value);
  type.field("Labels", &MetricsGauge::Labels);
}

PROCONSUL_DESCRIBE_TYPE(MetricsSample, "metrics.SampledValue") {
  type.field("Name", &MetricsSample::Name);
  type.field("Count", &MetricsSample::Count);
  type.field("Rate", &MetricsSample::Rate);
  type.field("Sum", &MetricsSample::Sum);
  type.field("Min", &MetricsSample::Min);
  type.field("Max", &MetricsSample::Max);
  type.field("Mean", &MetricsSample::Mean);
  type.field("Stddev", &MetricsSample::Stddev);
  type.field("Labels", &MetricsSample::Labels);
}

PROCONSUL_DESCRIBE_TYPE(MetricsSummary, "metrics.MetricsSummary") {
  type.field("Timestamp", &MetricsSummary::Timestamp);
  type.field("Gauges", &MetricsSummary::Gauges);
  type.field("Points", &MetricsSummary::Points);
  type.field("Counters", &MetricsSummary::Counters);
  type.field("Samples", &MetricsSummary::Samples);
}

PROCONSUL_DESCRIBE_TYPE(SessionCreated, "agent.SessionCreated") {
  type.field("ID", &SessionCreated::ID);
}

}  // namespace proconsul::agent::http
