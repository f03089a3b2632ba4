// Who somebody is, as an auth method has found out.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/type.h"

namespace proconsul::agent::auth {

struct Identity {
  /// What selectors of binding rules look at: an object of that type.
  std::shared_ptr<const void> fields{};
  const base::Type* type = nullptr;
  /// What names of binding rules may refer to: "value.name".
  std::map<std::string, std::string> variables{};
};

template <class Fields>
Identity make_identity(Fields fields, std::map<std::string, std::string> variables) {
  return {std::make_shared<const Fields>(std::move(fields)), &base::type_of<Fields>(), std::move(variables)};
}

}  // namespace proconsul::agent::auth
