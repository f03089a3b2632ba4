#include "agent/event/exec_job.h"

namespace proconsul::agent::event {

PROCONSUL_DESCRIBE_TYPE(ExecEvent, "exec.rExecEvent") {
  type.field("Prefix", &ExecEvent::Prefix);
  type.field("Session", &ExecEvent::Session);
}

PROCONSUL_DESCRIBE_TYPE(ExecJob, "exec.rExecSpec") {
  type.field("Command", &ExecJob::Command).omit_empty();
  type.field("Args", &ExecJob::Args).omit_empty();
  type.field("Script", &ExecJob::Script).omit_empty();
  type.field("Wait", &ExecJob::Wait);
}

}  // namespace proconsul::agent::event
