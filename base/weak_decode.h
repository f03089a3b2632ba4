// Free values into described types as leniently as Go's mapstructure does with Consul's hooks: keys in any letter case
// or by an alias, numbers for texts and texts for numbers, one element for a list of it, a list of one element for that
// element (HCL makes a list of every block), durations and times as text.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/type.h"
#include "base/value.h"

namespace proconsul::base {

/// Decodes into an existing object, in which what the value lacks stays. The keys that nothing took, with what leads to
/// them: "Routes[0].Match.Bogus". Errc::invalid_argument: "2 error(s) decoding:\n\n* ...".
Result<std::vector<std::string>> decode_weakly(const Value::MapType& from, const Type& type, void* object);

/// Whether a list somewhere in it holds a null.
bool has_null_in_list(const Value& value);

}  // namespace proconsul::base
