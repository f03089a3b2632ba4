// Filter expressions (`?filter=`): compiled once for a described type, then asked of many objects.
//
//   Result<Filter> filter = Filter::create<structs::Node>(query.filter);
//   std::erase_if(nodes, [&](const structs::Node& node) { return !filter->matches(node); });
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "base/type.h"

namespace proconsul::base::filter {

/// Immutable; copies share the compiled form. Safe from several threads.
class Filter {
 public:
  /// Matches everything.
  Filter() = default;

  /// What endpoints use: an empty text matches everything, an error begins "Failed to create boolean expression
  /// evaluator: " and is Errc::internal, since Consul answers 500. Each thread keeps the expressions of late compiled.
  static Result<Filter> create(std::string_view expression, const Type& type);
  template <class T>
  static Result<Filter> create(std::string_view expression) {
    return create(expression, type_of<T>());
  }

  /// Without that prefix, and an empty text is an error: for expressions inside stored objects.
  static Result<Filter> compile(std::string_view expression, const Type& type);

  /// `object` is of the type that the filter was compiled for. A list on the way means: any of its elements. A map key
  /// or a pointer that is not there is unequal to everything, empty and in nothing, and (as in Consul) satisfies
  /// both `matches` and `not matches`.
  bool matches_object(const void* object) const;
  template <class T>
  bool matches(const T& object) const {
    return matches_object(&object);
  }

  bool matches_everything() const { return program_ == nullptr; }
  /// Whether a field of the type, by its Go name, is looked at: what is not need not be filled in.
  bool looks_at(std::string_view field) const;

  struct Program;

 private:
  std::shared_ptr<const Program> program_;
};

}  // namespace proconsul::base::filter
