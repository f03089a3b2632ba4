// The part of Go's text/template that address templates use, as a tree: actions with pipelines, if, with and range.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace proconsul::agent::config {

struct TemplatePipeline;

/// A word of a command.
struct TemplateOperand {
  enum class Kind : std::uint8_t { dot, variable, text, number, boolean, nil, function, nested };
  Kind kind{};
  std::string text{};                    // of a text; the name of a variable (with "$") or a function
  std::int64_t number{};                 // of a number or boolean
  std::vector<std::string> fields{};     // ".Name" behind it
  std::vector<TemplatePipeline> nested;  // one, in parentheses; complete only below
};

/// A function and its arguments, or a value alone.
struct TemplateCommand {
  std::vector<TemplateOperand> words{};
};

struct TemplatePipeline {
  std::vector<std::string> variables{};  // "$a := ..."; range may have two
  bool declares{};                       // ":=" rather than "="
  std::vector<TemplateCommand> commands{};
};

struct TemplateNode {
  enum class Kind : std::uint8_t { text, action, if_, with, range };
  Kind kind{};
  std::string text{};
  TemplatePipeline pipeline{};
  std::vector<TemplateNode> body{};
  std::vector<TemplateNode> otherwise{};  // behind else
};

/// Whether a template may call it.
bool is_template_function(std::string_view name);

/// The error is Go's reason, without the template around it: "function \"nope\" not defined".
base::Result<std::vector<TemplateNode>> parse_template(std::string_view text);

}  // namespace proconsul::agent::config
