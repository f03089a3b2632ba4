// From what was tried to what is to be fixed. Pure.
#pragma once

#include "agent/doctor/findings.h"
#include "agent/doctor/report.h"

namespace proconsul::agent::doctor {

Report diagnose(const Findings& findings);
/// The same for who only wants to see.
Status summarize(const Findings& findings);
/// Whether some of it may merely be on its way: what is copied, and gateways that were registered just now.
bool may_settle(const Findings& findings);

}  // namespace proconsul::agent::doctor
