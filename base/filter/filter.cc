#include "base/filter/filter.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <variant>
#include <vector>

#include "base/filter/expression.h"
#include "base/quote.h"
#include "base/regex.h"
#include "base/strconv.h"

namespace proconsul::base::filter {

/// An expression bound to a type: selectors are resolved to fields, values converted, patterns compiled.
struct Filter::Program {
  struct Step {
    const Field* field{};  // of a structure; null means a map's key
    std::string key{};
  };
  Expression::Kind kind{};
  std::vector<Program> parts{};
  Operator op{};
  std::vector<Step> steps{};
  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, Regex> value{};
  const Type* type{};  // of the whole; set in the outermost only
};

namespace {

using Program = Filter::Program;

const Type& without_pointers(const Type* type) {
  while (type->kind == Kind::pointer || type->kind == Kind::rare) type = &type->element();
  return *type;
}

bool is_primitive(const Type& type) {
  switch (type.kind) {
    case Kind::boolean:
    case Kind::integer:
    case Kind::unsigned_integer:
    case Kind::floating:
    case Kind::string:
    case Kind::duration:
      return true;
    default:
      return false;
  }
}

/// Where a selector stands: what may follow it, and what may be asked of it.
struct Place {
  const Type* inner{};     // a structure or map that the next part looks into; null if nothing may follow
  const Type* compared{};  // what values are converted to; null if values are of no use
  bool byte = false;       // compared with single bytes
  bool equality = false, membership = false, emptiness = false, patterns = false;
};

Place place_of(const Type& declared) {
  const Type& type = without_pointers(&declared);
  Place place;
  if (is_primitive(type)) {
    place.compared = &type;
    place.equality = true;
    place.membership = place.patterns = type.kind == Kind::string;
    return place;
  }
  switch (type.kind) {
    case Kind::structure:
      place.inner = &type;
      break;
    case Kind::map:
      place.inner = &type;
      place.compared = &type_of<std::string>();
      place.membership = place.emptiness = true;
      break;
    case Kind::bytes:
      place.byte = place.membership = place.emptiness = true;
      break;
    case Kind::list: {
      place.emptiness = true;
      const Type& element = type.element();
      if (is_primitive(element)) {
        place.compared = &element;
        place.membership = true;
      } else {
        place.inner = place_of(element).inner;
      }
      break;
    }
    default:
      break;
  }
  return place;
}

bool allows(const Place& place, Operator op) {
  switch (op) {
    case Operator::equal:
    case Operator::not_equal:
      return place.equality;
    case Operator::in:
    case Operator::not_in:
      return place.membership;
    case Operator::is_empty:
    case Operator::is_not_empty:
      return place.emptiness;
    case Operator::matches:
    case Operator::not_matches:
      return place.patterns;
  }
  return false;
}

std::string joined(const std::vector<std::string>& parts, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out += '.';
    out += parts[i];
  }
  return out;
}

Result<> convert(const Place& place, const std::string& raw, Program& program) {
  auto take = [&](auto result) -> Result<> {
    if (!result) return result.error();
    program.value = *result;
    return {};
  };
  if (place.byte) return take(parse_uint(raw, 0, 8));
  if (place.compared == nullptr) return {};
  const int bits = place.compared->bits == 0 ? 64 : place.compared->bits;
  switch (place.compared->kind) {
    case Kind::boolean:
      return take(parse_bool(raw));
    case Kind::integer:
      return take(parse_int(raw, 0, bits));
    case Kind::duration:
      return take(parse_int(raw, 0, 64));
    case Kind::unsigned_integer:
      return take(parse_uint(raw, 0, bits));
    case Kind::floating:
      return take(parse_float(raw, bits));
    default:
      program.value = raw;
      return {};
  }
}

Result<> bind_match(const Match& match, const Type& type, Program& program) {
  const auto fail = [](std::string text) { return Error{Errc::invalid_argument, std::move(text)}; };
  const std::string selector = joined(match.selector, match.selector.size());

  Place place;
  place.inner = &type;
  for (std::size_t i = 0; i < match.selector.size(); ++i) {
    const std::string& part = match.selector[i];
    const Type* next = nullptr;
    const Field* field = nullptr;
    if (place.inner != nullptr && place.inner->kind == Kind::map) {
      next = &place.inner->element();
    } else if (place.inner != nullptr) {
      field = place.inner->by_filter(part);
      if (field != nullptr && (field->flags & kNoFilter) == 0) next = &field->type();
    }
    if (next == nullptr || without_pointers(next).kind == Kind::any) {
      return fail("Selector " + quote(joined(match.selector, i + 1)) + " is not valid");
    }
    program.steps.push_back({.field = field, .key = field == nullptr ? part : std::string()});
    place = place_of(*next);
  }

  program.kind = Expression::Kind::match;
  program.op = match.op;
  const std::string op = quote(to_string(match.op));
  if (!allows(place, match.op)) return fail("Invalid match operator " + op + " for selector " + quote(selector));
  if (!match.value) return {};
  if (Result<> converted = convert(place, *match.value, program); !converted) {
    return fail("Failed to coerce value " + quote(*match.value) + " for selector " + quote(selector) + ": " +
                converted.error().detail);
  }
  if (match.op == Operator::matches || match.op == Operator::not_matches) {
    Result<Regex> regex = Regex::compile(*match.value);
    if (!regex) {
      return fail("Failed to compile regular expression " + quote(*match.value) + ": " + regex.error().detail);
    }
    program.value = std::move(*regex);
  }
  return {};
}

Result<> bind(const Expression& expression, const Type& type, Program& program) {
  program.kind = expression.kind;
  if (expression.kind == Expression::Kind::match) return bind_match(expression.match, type, program);
  for (const auto& part : expression.parts) {
    if (Result<> bound = bind(*part, type, program.parts.emplace_back()); !bound) return bound;
  }
  return {};
}

// --- evaluation
// -------------------------------------------------------------------------------------------------------

template <class T>
T load(const void* at) {
  T value{};
  std::memcpy(&value, at, sizeof(T));
  return value;
}

std::string_view load_text(const void* at) {
  return *static_cast<const std::string*>(at);
}

std::int64_t load_integer(const Type& type, const void* at) {
  switch (type.bits) {
    case 8:
      return load<std::int8_t>(at);
    case 16:
      return load<std::int16_t>(at);
    case 32:
      return load<std::int32_t>(at);
    default:
      return load<std::int64_t>(at);
  }
}

std::uint64_t load_unsigned(const Type& type, const void* at) {
  switch (type.bits) {
    case 8:
      return load<std::uint8_t>(at);
    case 16:
      return load<std::uint16_t>(at);
    case 32:
      return load<std::uint32_t>(at);
    default:
      return load<std::uint64_t>(at);
  }
}

bool equal(const Program& program, const Type& type, const void* at) {
  switch (type.kind) {
    case Kind::boolean:
      return std::get<bool>(program.value) == load<bool>(at);
    case Kind::integer:
      return std::get<std::int64_t>(program.value) == load_integer(type, at);
    case Kind::duration:
      return std::get<std::int64_t>(program.value) == load<std::int64_t>(at);
    case Kind::unsigned_integer:
      return std::get<std::uint64_t>(program.value) == load_unsigned(type, at);
    case Kind::floating:
      return std::get<double>(program.value) == (type.bits == 32 ? load<float>(at) : load<double>(at));
    default:
      return std::get<std::string>(program.value) == load_text(at);
  }
}

bool contains(const Program& program, const Type& type, const void* at) {
  switch (type.kind) {
    case Kind::string:
      return load_text(at).find(std::get<std::string>(program.value)) != std::string_view::npos;
    case Kind::bytes:
      return load_text(at).find(static_cast<char>(std::get<std::uint64_t>(program.value))) != std::string_view::npos;
    case Kind::map:
      return type.map.find(at, std::get<std::string>(program.value)) != nullptr;
    case Kind::list: {
      const Type& element = type.element();
      const std::size_t size = type.list.size(at);
      for (std::size_t i = 0; i < size; ++i) {
        if (equal(program, element, type.list.at(at, i))) return true;
      }
      return false;
    }
    default:
      return false;
  }
}

bool is_empty(const Type& type, const void* at) {
  switch (type.kind) {
    case Kind::map:
      return type.map.size(at) == 0;
    case Kind::list:
      return type.list.size(at) == 0;
    default:
      return load_text(at).empty();
  }
}

bool answer(const Program& program, const Type& type, const void* at) {
  switch (program.op) {
    case Operator::equal:
      return equal(program, type, at);
    case Operator::not_equal:
      return !equal(program, type, at);
    case Operator::in:
      return contains(program, type, at);
    case Operator::not_in:
      return !contains(program, type, at);
    case Operator::is_empty:
      return is_empty(type, at);
    case Operator::is_not_empty:
      return !is_empty(type, at);
    case Operator::matches:
      return std::get<Regex>(program.value).matches(load_text(at));
    case Operator::not_matches:
      return !std::get<Regex>(program.value).matches(load_text(at));
  }
  return false;
}

bool answer_for_missing(Operator op) {
  return op != Operator::equal && op != Operator::is_not_empty && op != Operator::in;
}

bool walk(const Program& program, std::size_t depth, const Type* type, const void* at) {
  while (type->kind == Kind::pointer || type->kind == Kind::rare) {
    at = type->pointer.get(at);
    if (at == nullptr && type->kind == Kind::pointer) return answer_for_missing(program.op);
    if (at == nullptr) at = type->unset();
    type = &type->element();
  }
  if (depth == program.steps.size()) return answer(program, *type, at);
  const Program::Step& step = program.steps[depth];
  switch (type->kind) {
    case Kind::structure:
      return walk(program, depth + 1, &step.field->type(), static_cast<const char*>(at) + step.field->offset);
    case Kind::map: {
      const void* value = type->map.find(at, step.key);
      if (value == nullptr) return answer_for_missing(program.op);
      return walk(program, depth + 1, &type->element(), value);
    }
    case Kind::list: {
      const std::size_t size = at == nullptr ? 0 : type->list.size(at);
      for (std::size_t i = 0; i < size; ++i) {
        if (walk(program, depth, &type->element(), type->list.at(at, i))) return true;
      }
      return false;
    }
    default:
      return false;
  }
}

bool evaluate(const Program& program, const Type& type, const void* object) {
  switch (program.kind) {
    case Expression::Kind::match:
      return walk(program, 0, &type, object);
    case Expression::Kind::negation:
      return !evaluate(program.parts[0], type, object);
    case Expression::Kind::all:
      for (const Program& part : program.parts) {
        if (!evaluate(part, type, object)) return false;
      }
      return true;
    case Expression::Kind::any:
      for (const Program& part : program.parts) {
        if (evaluate(part, type, object)) return true;
      }
      return false;
  }
  return false;
}

}  // namespace

Result<Filter> Filter::compile(std::string_view expression, const Type& declared) {
  Result<std::shared_ptr<const Expression>> tree = parse(expression);
  if (!tree) return tree.error();
  const Type& type = without_pointers(&declared);
  if (type.kind != Kind::structure && type.kind != Kind::map) {
    return Error{Errc::invalid_argument,
                 "Invalid top level type - can only use structs, map[string]* or an MatchExpressionEvaluator"};
  }
  auto program = std::make_shared<Program>();
  if (Result<> bound = bind(**tree, type, *program); !bound) return bound.error();
  program->type = &declared;
  Filter filter;
  filter.program_ = std::move(program);
  return filter;
}

namespace {

/// Clients poll with the same few expressions; compiling one costs more than asking it of a hundred objects.
struct Compiled {
  const Type* type{};
  std::string expression{};
  Filter filter{};
};
constexpr std::size_t kMostCompiled = 64;
constexpr std::size_t kLongestKept = 4096;
thread_local std::vector<Compiled> compiled_lately;  // the last used first

bool looks_at_field(const Program& program, std::string_view field) {
  if (!program.steps.empty() && program.steps.front().field && program.steps.front().field->name == field) return true;
  return std::ranges::any_of(program.parts, [&](const Program& part) { return looks_at_field(part, field); });
}

}  // namespace

Result<Filter> Filter::create(std::string_view expression, const Type& type) {
  if (expression.empty()) return Filter();
  const auto known = std::ranges::find_if(
      compiled_lately, [&](const Compiled& each) { return each.type == &type && each.expression == expression; });
  if (known != compiled_lately.end()) {
    std::rotate(compiled_lately.begin(), known, known + 1);
    return compiled_lately.front().filter;
  }
  Result<Filter> filter = compile(expression, type);
  if (!filter) {
    return Error{Errc::internal, "Failed to create boolean expression evaluator: " + filter.error().detail};
  }
  if (expression.size() <= kLongestKept) {
    if (compiled_lately.size() >= kMostCompiled) compiled_lately.pop_back();
    compiled_lately.insert(compiled_lately.begin(), {&type, std::string(expression), *filter});
  }
  return filter;
}

bool Filter::looks_at(std::string_view field) const {
  return program_ != nullptr && looks_at_field(*program_, field);
}

bool Filter::matches_object(const void* object) const {
  return program_ == nullptr || evaluate(*program_, *program_->type, object);
}

}  // namespace proconsul::base::filter
