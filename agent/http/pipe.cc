#include "agent/http/pipe.h"

namespace proconsul::agent::http {

PipeUpload::~PipeUpload() {
  if (!finished_) pipe_->end(base::Error{base::Errc::cancelled, "the client went away"});
}

}  // namespace proconsul::agent::http
