#include "agent/config/template.h"

#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "agent/config/interfaces.h"
#include "agent/config/template_parser.h"
#include "base/quote.h"

namespace proconsul::agent::config {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using Nil = std::monostate;
using Data = std::variant<Nil, bool, std::int64_t, std::string, InterfaceAddress, Interfaces>;
using Arguments = std::vector<Data>;

// More than any address needs; a range within a range must not run away.
constexpr std::size_t kMaxSteps = 100'000;
constexpr std::size_t kMaxOutput = 1 << 20;

Error fail(std::string text) {
  return {Errc::invalid_argument, std::move(text)};
}

const char* type_name(const Data& data) {
  static constexpr const char* kNames[] = {"nil", "bool", "int", "string", "an address", "a list of addresses"};
  return kNames[data.index()];
}

bool truth(const Data& data) {
  if (const bool* flag = std::get_if<bool>(&data)) return *flag;
  if (const std::int64_t* number = std::get_if<std::int64_t>(&data)) return *number != 0;
  if (const std::string* text = std::get_if<std::string>(&data)) return !text->empty();
  if (const Interfaces* list = std::get_if<Interfaces>(&data)) return !list->empty();
  return std::holds_alternative<InterfaceAddress>(data);
}

/// What an action prints.
Result<std::string> printed(const Data& data) {
  if (std::holds_alternative<Nil>(data)) return std::string("<nil>");
  if (const bool* flag = std::get_if<bool>(&data)) return std::string(*flag ? "true" : "false");
  if (const std::int64_t* number = std::get_if<std::int64_t>(&data)) return std::to_string(*number);
  if (const std::string* text = std::get_if<std::string>(&data)) return *text;
  return fail(std::string("the pipeline ends in ") + type_name(data) + ": end it with attr or join");
}

class Evaluator {
 public:
  Evaluator(const Surroundings& host) : host_(host) { variables_.emplace_back("$", Data(host.interfaces)); }

  Result<> run(const std::vector<TemplateNode>& nodes, const Data& dot) {
    for (const TemplateNode& node : nodes) {
      if (++steps_ > kMaxSteps || out_.size() > kMaxOutput) return fail("the template goes on for too long");
      if (Result<> ran = run(node, dot); !ran) return ran;
    }
    return {};
  }
  std::string& out() { return out_; }

 private:
  Result<> run(const TemplateNode& node, const Data& dot) {
    if (node.kind == TemplateNode::Kind::text) {
      out_ += node.text;
      return {};
    }
    const std::size_t outer = variables_.size();
    Result<Data> value = evaluate(node.pipeline, dot);
    if (!value) return value.error();
    Result<> result;
    switch (node.kind) {
      case TemplateNode::Kind::action: {
        if (!node.pipeline.variables.empty()) return store(node.pipeline, std::move(*value));
        Result<std::string> text = printed(*value);
        if (!text) return text.error();
        out_ += *text;
        return {};
      }
      case TemplateNode::Kind::range:
        result = range(node, *value, dot);
        break;
      case TemplateNode::Kind::if_:
      case TemplateNode::Kind::with: {
        if (!node.pipeline.variables.empty()) {
          if (Result<> stored = store(node.pipeline, *value); !stored) return stored;
        }
        const bool holds = truth(*value);
        const bool with = node.kind == TemplateNode::Kind::with;
        result = holds ? run(node.body, with ? *value : dot) : run(node.otherwise, dot);
        break;
      }
      case TemplateNode::Kind::text:
        break;
    }
    variables_.resize(outer);
    return result;
  }

  Result<> range(const TemplateNode& node, const Data& value, const Data& dot) {
    const Interfaces* list = std::get_if<Interfaces>(&value);
    if (list == nullptr) return fail(std::string("range can't iterate over ") + type_name(value));
    if (list->empty()) return run(node.otherwise, dot);
    const std::vector<std::string>& names = node.pipeline.variables;
    for (std::size_t i = 0; i < list->size(); ++i) {
      const std::size_t outer = variables_.size();
      for (std::size_t n = 0; n < names.size(); ++n) {
        const bool index = names.size() == 2 && n == 0;
        Data item = index ? Data(static_cast<std::int64_t>(i)) : Data((*list)[i]);
        if (Result<> stored = store(names[n], node.pipeline.declares, std::move(item)); !stored) return stored;
      }
      if (Result<> ran = run(node.body, Data((*list)[i])); !ran) return ran;
      variables_.resize(outer);
    }
    return {};
  }

  Result<> store(const TemplatePipeline& pipeline, Data value) {
    return store(pipeline.variables[0], pipeline.declares, std::move(value));
  }
  Result<> store(const std::string& name, bool declares, Data value) {
    if (!declares) {
      for (auto variable = variables_.rbegin(); variable != variables_.rend(); ++variable) {
        if (variable->first != name) continue;
        variable->second = std::move(value);
        return {};
      }
      return fail("undefined variable " + base::quote(name));
    }
    variables_.emplace_back(name, std::move(value));
    return {};
  }

  Result<Data> evaluate(const TemplatePipeline& pipeline, const Data& dot) {
    std::optional<Data> value;
    for (const TemplateCommand& command : pipeline.commands) {
      if (++steps_ > kMaxSteps) return fail("the template goes on for too long");
      const TemplateOperand& first = command.words[0];
      if (first.kind != TemplateOperand::Kind::function) {
        if (value || command.words.size() > 1) return fail("can't give argument to non-function " + first.text);
        Result<Data> plain = operand(first, dot);
        if (!plain) return plain.error();
        value = std::move(*plain);
        continue;
      }
      Arguments arguments;
      for (std::size_t i = 1; i < command.words.size(); ++i) {
        Result<Data> argument = operand(command.words[i], dot);
        if (!argument) return argument.error();
        arguments.push_back(std::move(*argument));
      }
      if (value) arguments.push_back(std::move(*value));
      Result<Data> result = call(first.text, std::move(arguments));
      if (!result) return fail("error calling " + first.text + ": " + result.error().detail);
      value = std::move(*result);
    }
    return std::move(*value);
  }

  Result<Data> operand(const TemplateOperand& operand, const Data& dot) {
    Data value;
    switch (operand.kind) {
      case TemplateOperand::Kind::dot:
        value = dot;
        break;
      case TemplateOperand::Kind::variable:
        for (const auto& [name, stored] : variables_) {
          if (name == operand.text) value = stored;  // the innermost is the last
        }
        break;
      case TemplateOperand::Kind::text:
        return Data(operand.text);
      case TemplateOperand::Kind::number:
        return Data(operand.number);
      case TemplateOperand::Kind::boolean:
        return Data(operand.number != 0);
      case TemplateOperand::Kind::nil:
        return Data();
      case TemplateOperand::Kind::function:
        return call(operand.text, {});
      case TemplateOperand::Kind::nested: {
        Result<Data> inner = evaluate(operand.nested[0], dot);
        if (!inner) return inner.error();
        value = std::move(*inner);
        break;
      }
    }
    for (const std::string& field : operand.fields) {
      const InterfaceAddress* address = std::get_if<InterfaceAddress>(&value);
      if (address == nullptr || field != "Name") {
        return fail("can't evaluate field " + field + " in " + type_name(value) + "; use attr");
      }
      value = Data(address->name);
    }
    return value;
  }

  // --- functions

  static const std::string& text(const Arguments& arguments, std::size_t i) {
    static const std::string empty;
    const std::string* found = i < arguments.size() ? std::get_if<std::string>(&arguments[i]) : nullptr;
    return found != nullptr ? *found : empty;
  }

  /// Texts and, at the end, a list: what most functions take.
  static Result<> wants(const Arguments& arguments, std::size_t texts, bool list) {
    const std::size_t count = texts + (list ? 1 : 0);
    if (arguments.size() != count) {
      return fail("wrong number of args: want " + std::to_string(count) + " got " + std::to_string(arguments.size()));
    }
    for (std::size_t i = 0; i < count; ++i) {
      const bool fits = i < texts ? std::holds_alternative<std::string>(arguments[i])
                                  : std::holds_alternative<Interfaces>(arguments[i]);
      if (fits) continue;
      return fail(std::string("wrong type for value; expected ") + (i < texts ? "string" : "a list of addresses") +
                  "; got " + type_name(arguments[i]));
    }
    return {};
  }

  static Result<Data> data(auto result) {
    if (!result) return result.error();
    return Data(std::move(*result));
  }

  Result<Data> call(const std::string& name, Arguments arguments) {
    if (name.starts_with("Get")) return source(name, arguments);
    if (name == "limit" || name == "offset") return cut(name, arguments);
    if (name == "attr") return attr(arguments);
    if (name == "sort" || name == "unique") {
      if (Result<> fits = wants(arguments, 1, true); !fits) return fits.error();
      Interfaces& list = std::get<Interfaces>(arguments[1]);
      return data(name == "sort" ? sorted(std::move(list), text(arguments, 0), host_)
                                 : unique(list, text(arguments, 0)));
    }
    if (name == "include" || name == "exclude" || name == "join" || name == "math") {
      if (Result<> fits = wants(arguments, 2, true); !fits) return fits.error();
      Interfaces& list = std::get<Interfaces>(arguments[2]);
      const std::string& by = text(arguments, 0);
      const std::string& value = text(arguments, 1);
      if (name == "join") return data(join(list, by, value));
      if (name == "math") return data(math(std::move(list), by, value));
      Result<Selected> selected = select(list, by, value, name);
      if (!selected) return selected.error();
      return Data(std::move(name == "include" ? selected->included : selected->excluded));
    }
    return builtin(name, arguments);
  }

  Result<Data> source(const std::string& name, const Arguments& arguments) {
    const bool named = name.starts_with("GetInterface");
    if (Result<> fits = wants(arguments, named ? 1 : 0, false); !fits) return fits.error();
    if (name == "GetAllInterfaces") return Data(host_.interfaces);
    if (name == "GetDefaultInterfaces") return data(default_interfaces(host_));
    if (name == "GetInterfaceIP") return data(interface_ip(text(arguments, 0), host_));
    if (name == "GetInterfaceIPs") return data(interface_ips(text(arguments, 0), host_));
    if (name == "GetPrivateIPs") return Data(private_ips(host_));
    if (name == "GetPublicIPs") return Data(public_ips(host_));
    const bool is_private = name.starts_with("GetPrivate");
    Interfaces list = is_private ? private_interfaces(host_) : public_interfaces(host_);
    if (name.ends_with("Interfaces")) return Data(std::move(list));
    return Data(list.empty() ? std::string() : list[0].ip.to_string());
  }

  Result<Data> cut(const std::string& name, Arguments& arguments) {
    const std::int64_t* count = arguments.empty() ? nullptr : std::get_if<std::int64_t>(&arguments[0]);
    if (arguments.size() != 2 || count == nullptr || !std::holds_alternative<Interfaces>(arguments[1])) {
      return fail("wants a number and a list of addresses");
    }
    Interfaces& list = std::get<Interfaces>(arguments[1]);
    if (name == "offset") return data(offset(std::move(list), *count));
    if (*count < 0) return fail("value " + std::to_string(*count) + " is out of range");
    if (static_cast<std::uint64_t>(*count) < list.size()) list.resize(static_cast<std::size_t>(*count));
    return Data(std::move(list));
  }

  /// Of an address, or of the first in a list.
  static Result<Data> attr(const Arguments& arguments) {
    if (arguments.size() != 2 || !std::holds_alternative<std::string>(arguments[0])) {
      return fail("wants the name of an attribute and an address");
    }
    const std::string& name = std::get<std::string>(arguments[0]);
    if (const auto* address = std::get_if<InterfaceAddress>(&arguments[1])) return data(attribute(*address, name));
    if (const auto* list = std::get_if<Interfaces>(&arguments[1])) {
      return list->empty() ? Result<Data>(Data(std::string())) : data(attribute(list->front(), name));
    }
    return fail("unable to obtain attribute " + name + " from type " + type_name(arguments[1]));
  }

  static Result<Data> builtin(const std::string& name, Arguments& arguments) {
    if (arguments.empty() && name != "print" && name != "println") return fail("missing argument");
    if (name == "print" || name == "println") return print(arguments, name == "println");
    if (name == "printf") return format(arguments);
    if (name == "not") return Data(!truth(arguments[0]));
    if (name == "and" || name == "or") {
      for (std::size_t i = 0; i + 1 < arguments.size(); ++i) {
        if (truth(arguments[i]) == (name == "or")) return std::move(arguments[i]);
      }
      return std::move(arguments.back());
    }
    if (name == "len" || name == "index") return element(name, arguments);
    return compare(name, arguments);
  }

  static Result<Data> print(const Arguments& arguments, bool lines) {
    std::string out;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      Result<std::string> one = printed(arguments[i]);
      if (!one) return one.error();
      // Go's Sprint puts a space only between what are no texts.
      const bool texts = i > 0 && (std::holds_alternative<std::string>(arguments[i]) ||
                                   std::holds_alternative<std::string>(arguments[i - 1]));
      if (i > 0 && (lines || !texts)) out += ' ';
      out += *one;
    }
    return Data(lines ? out + "\n" : out);
  }

  /// %s, %d, %v, %q and %%, without widths.
  static Result<Data> format(const Arguments& arguments) {
    if (!std::holds_alternative<std::string>(arguments[0])) return fail("wants a format");
    const std::string& pattern = std::get<std::string>(arguments[0]);
    std::string out;
    std::size_t next = 1;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      if (pattern[i] != '%') {
        out += pattern[i];
        continue;
      }
      const char verb = ++i < pattern.size() ? pattern[i] : '\0';
      if (verb == '%') {
        out += '%';
        continue;
      }
      if ((verb != 's' && verb != 'd' && verb != 'v' && verb != 'q') || next >= arguments.size()) {
        return fail("cannot format " + base::quote(pattern) + " with " + std::to_string(arguments.size() - 1) +
                    " values");
      }
      Result<std::string> one = printed(arguments[next++]);
      if (!one) return one.error();
      out += verb == 'q' ? base::quote(*one) : *one;
    }
    if (next < arguments.size()) return fail("more values than " + base::quote(pattern) + " has places");
    return Data(std::move(out));
  }

  static Result<Data> element(const std::string& name, const Arguments& arguments) {
    const Interfaces* list = std::get_if<Interfaces>(&arguments[0]);
    if (name == "len" && arguments.size() == 1) {
      if (list != nullptr) return Data(static_cast<std::int64_t>(list->size()));
      if (const auto* text = std::get_if<std::string>(&arguments[0]))
        return Data(static_cast<std::int64_t>(text->size()));
    }
    const std::int64_t* at = arguments.size() == 2 ? std::get_if<std::int64_t>(&arguments[1]) : nullptr;
    if (name != "index" || list == nullptr || at == nullptr) return fail("wants a list of addresses");
    if (*at < 0 || static_cast<std::uint64_t>(*at) >= list->size()) {
      return fail("index out of range: " + std::to_string(*at));
    }
    return Data((*list)[static_cast<std::size_t>(*at)]);
  }

  static Result<Data> compare(const std::string& name, const Arguments& arguments) {
    if (arguments.size() < 2 || (arguments.size() > 2 && name != "eq")) return fail("wrong number of args");
    const auto order = [](const Data& a, const Data& b) -> std::optional<int> {
      if (a.index() != b.index()) return std::nullopt;
      if (const bool* flag = std::get_if<bool>(&a)) return int{*flag} - int{std::get<bool>(b)};
      if (const auto* number = std::get_if<std::int64_t>(&a)) {
        const std::int64_t other = std::get<std::int64_t>(b);
        return *number < other ? -1 : *number > other ? 1 : 0;
      }
      if (const auto* text = std::get_if<std::string>(&a)) return text->compare(std::get<std::string>(b));
      return std::nullopt;
    };
    bool equal = false;
    std::optional<int> first;
    for (std::size_t i = 1; i < arguments.size(); ++i) {
      const std::optional<int> found = order(arguments[0], arguments[i]);
      if (!found) return fail("incompatible types for comparison");
      equal = equal || *found == 0;
      if (i == 1) first = found;
    }
    if (name == "eq") return Data(equal);
    if (name == "ne") return Data(!equal);
    return Data(name == "lt" ? *first < 0 : name == "le" ? *first <= 0 : name == "gt" ? *first > 0 : *first >= 0);
  }

  const Surroundings& host_;
  std::vector<std::pair<std::string, Data>> variables_{};
  std::string out_;
  std::size_t steps_ = 0;
};

}  // namespace

Result<std::string> expand_template(std::string_view text, const Surroundings& host) {
  if (text.find("{{") == text.npos) return std::string(text);
  const std::string where = base::quote(text) + ": template: sockaddr.Parse:1: ";
  const Result<std::vector<TemplateNode>> nodes = parse_template(text);
  if (!nodes) return fail("unable to parse template " + where + nodes.error().detail);
  Evaluator evaluator(host);
  if (Result<> ran = evaluator.run(*nodes, Data(host.interfaces)); !ran) {
    return fail("unable to execute sockaddr input " + where + ran.error().detail);
  }
  return std::move(evaluator.out());
}

}  // namespace proconsul::agent::config
