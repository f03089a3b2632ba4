// Free-form values as Go's error messages show them.
#pragma once

#include <string>

#include "base/value.h"

namespace proconsul::base {

/// As %v: "map[a:1 b:[x y]]", "<nil>".
std::string go_text(const Value& value);
/// As %T: "map[string]interface {}", "float64", "<nil>".
std::string go_type(const Value& value);

}  // namespace proconsul::base
