// Service and check definitions of configuration files.
#pragma once

#include <string>
#include <vector>

#include "base/value.h"
#include "catalog/types/agent_check.h"
#include "catalog/types/service.h"

namespace proconsul::agent::config {

/// A `check` block; `values` is what decode_settings left of it. What is wrong goes to `errors`.
catalog::CheckDefinition build_check(const base::Value& values, std::vector<std::string>& errors);
/// A `service` block with its checks, proxy and sidecar.
catalog::ServiceDefinition build_service(const base::Value& values, std::vector<std::string>& errors);

/// The duration in a text value; zero if there is none. An error reads `NAME: invalid duration: "x": ...`.
base::Duration read_duration(const std::string& name, const base::Value* text, std::vector<std::string>& errors);

// A value of its type, or the given one if it is not set.
std::string text_or(const base::Value* value, std::string fallback = {});
bool boolean_or(const base::Value* value, bool fallback = false);
std::int64_t integer_or(const base::Value* value, std::int64_t fallback = 0);
double number_or(const base::Value* value, double fallback = 0);
base::List<std::string> texts_of(const base::Value* value);  // nil if it is not set
base::Map<std::string> text_map_of(const base::Value* value);

}  // namespace proconsul::agent::config
