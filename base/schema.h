// The JSON of described types as an OpenAPI 3.1 schema, so that the documentation that the agent serves is made from
// the very tables that encode and decode.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/type.h"
#include "base/value.h"

namespace proconsul::base {

/// Gathers schemas: structures once, below "components/schemas", and references to them everywhere else. A component
/// has Go's name without its package, "Node" for "structs.Node"; the second type of one name keeps its package.
class SchemaBuilder {
 public:
  /// What is written has every field that is not left out when empty; what is read may lack any, and durations may be
  /// text. The components of the second kind are named "NodeInput".
  enum class Use : std::uint8_t { written, read };
  explicit SchemaBuilder(Use use = Use::written) : use_(use) {}

  /// The schema of a type: {"$ref": "#/components/schemas/Node"} for structures, inline for all else.
  Value schema(const Type& type);
  template <class T>
  Value schema() {
    return schema(type_of<T>());
  }
  /// What schema() has met so far: the value of "components/schemas".
  const Value::MapType& components() const { return components_; }

 private:
  Value field_schema(const Field& field);
  std::string reference(const Type& type);

  const Use use_;
  Value::MapType components_{};
  std::map<const Type*, std::string> names_{};
};

}  // namespace proconsul::base
