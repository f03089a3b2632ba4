#include "agent/auth/interpolate.h"

#include "base/hil/hil.h"

namespace proconsul::agent::auth {

base::Result<std::string> interpolate(const std::string& text, std::map<std::string, std::string> variables) {
  if (text.find("${") == std::string::npos) return text;
  base::Result<base::hil::Text> parsed = base::hil::Text::parse(text);
  if (!parsed) return parsed.error();
  base::hil::Scope scope;
  for (auto& [name, value] : variables) {
    for (char& c : value) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    }
    scope.variables.emplace_back(name, value);
  }
  return parsed->evaluate(scope);
}

}  // namespace proconsul::agent::auth
