#include "base/schema.h"

#include <cstdint>
#include <string>
#include <utility>

namespace proconsul::base {

namespace {

Value object(std::initializer_list<std::pair<const std::string, Value>> members) {
  Value value;
  value.make_map().insert(members.begin(), members.end());
  return value;
}

Value of_type(const char* name) {
  return object({{"type", name}});
}

/// Lists, maps and pointers that Go may write as null.
Value or_null(Value schema) {
  Value::MapType& members = *schema.as_map();
  if (auto type = members.find("type"); type != members.end()) {
    if (Value::ListType* several = type->second.as_list()) {
      several->push_back("null");
    } else {
      type->second = List<Value>{type->second, "null"};
    }
    return schema;
  }
  return object({{"anyOf", List<Value>{std::move(schema), of_type("null")}}});
}

Value integer(const Type& type) {
  Value schema = of_type("integer");
  Value::MapType& members = *schema.as_map();
  if (type.kind == Kind::unsigned_integer) members["minimum"] = 0;
  if (type.bits == 64) {
    members["format"] = type.kind == Kind::unsigned_integer ? "uint64" : "int64";
  } else if (type.kind == Kind::unsigned_integer) {
    members["maximum"] = (std::uint64_t{1} << type.bits) - 1;
  } else {
    members["minimum"] = -(std::int64_t{1} << (type.bits - 1));
    members["maximum"] = (std::int64_t{1} << (type.bits - 1)) - 1;
  }
  return schema;
}

}  // namespace

std::string SchemaBuilder::reference(const Type& type) {
  auto known = names_.find(&type);
  if (known == names_.end()) {
    std::string name = type.name.substr(type.name.rfind('.') + 1);
    if (use_ == Use::read) name += "Input";
    if (components_.contains(name)) name = type.name + (use_ == Use::read ? "Input" : "");
    known = names_.emplace(&type, name).first;
    // Entered first: recursive types refer to themselves.
    components_[name] = Value();
    Value::MapType properties;
    properties.make_present();
    List<Value> required;
    for (const Field& field : type.fields) {
      if (field.has(kNoJson)) continue;
      properties[field.json] = field_schema(field);
      if (use_ == Use::written && !field.has(kOmitEmpty) && !field.has(kOmitZero)) required.push_back(field.json);
    }
    Value schema = object({{"type", "object"}, {"properties", std::move(properties)}});
    if (!required.empty()) (*schema.as_map())["required"] = std::move(required);
    if (type.reject_unknown) (*schema.as_map())["additionalProperties"] = false;
    components_[name] = std::move(schema);
  }
  return "#/components/schemas/" + known->second;
}

Value SchemaBuilder::field_schema(const Field& field) {
  const Type& type = field.type();
  const bool is_pointer = type.kind == Kind::pointer;
  const Type& target = is_pointer ? type.element() : type;
  if (target.kind == Kind::duration && field.has(kReadable) && use_ == Use::written) {
    Value schema = object({{"type", "string"}, {"examples", List<Value>{"10s", "1h30m0s"}}});
    return is_pointer ? or_null(std::move(schema)) : schema;
  }
  return schema(type);
}

Value SchemaBuilder::schema(const Type& type) {
  switch (type.kind) {
    case Kind::boolean:
      return of_type("boolean");
    case Kind::integer:
    case Kind::unsigned_integer:
      return integer(type);
    case Kind::floating:
      return object({{"type", "number"}, {"format", type.bits == 32 ? "float" : "double"}});
    case Kind::string:
      return of_type("string");
    case Kind::bytes:
      return or_null(object({{"type", "string"}, {"contentEncoding", "base64"}}));
    case Kind::time:
      return object({{"type", "string"}, {"format", "date-time"}});
    case Kind::duration:
      if (use_ == Use::read)
        return object({{"type", List<Value>{"string", "integer"}}, {"examples", List<Value>{"10s"}}});
      return object({{"type", "integer"}, {"format", "int64"}, {"description", "nanoseconds"}});
    case Kind::list:
      return or_null(object({{"type", "array"}, {"items", schema(type.element())}}));
    case Kind::map:
      return or_null(object({{"type", "object"}, {"additionalProperties", schema(type.element())}}));
    case Kind::pointer:
      return or_null(schema(type.element()));
    case Kind::rare:
      return schema(type.element());
    case Kind::structure:
      return object({{"$ref", reference(type)}});
    case Kind::any:
      return object({});
  }
  return {};
}

}  // namespace proconsul::base
