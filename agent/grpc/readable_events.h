// What of a subscription's events a token may see.
#pragma once

#include "agent/grpc/frame.h"
#include "agent/tokens/who.h"

namespace proconsul::agent::grpc {

/// The events without what the token may not read; the same bytes if that is nothing. Empty: nothing is left. The words
/// about the stream itself stay.
Frames readable(const tokens::Who& who, const Frames& events);

}  // namespace proconsul::agent::grpc
