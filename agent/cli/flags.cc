#include "agent/cli/flags.h"

#include <cstdio>
#include <cstdlib>

#include "base/quote.h"
#include "base/strconv.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Result;

// Go's flag package shortens what strconv says, except in flags that bring their own parser.
std::string explained(const Flag& flag, std::string error) {
  if (flag.strconv_errors) return error;
  return error.ends_with("value out of range") ? "value out of range" : "parse error";
}

}  // namespace

FlagValues::FlagValues(std::span<const std::span<const Flag>> tables) {
  for (std::span<const Flag> table : tables) {
    for (const Flag& flag : table) {
      Slot slot{.flag = &flag};
      switch (flag.kind) {
        case FlagKind::boolean:
          slot.value = flag.default_value == "true";
          break;
        case FlagKind::text:
          slot.value = std::string(flag.default_value);
          break;
        case FlagKind::integer:
          slot.value = base::parse_int(flag.default_value).value_or(0);
          break;
        case FlagKind::number:
          slot.value = std::uint64_t{0};
          break;
        case FlagKind::duration:
          slot.value = base::parse_duration(flag.default_value).value_or(base::Duration{});
          break;
        case FlagKind::list:
          slot.value = std::vector<std::string>{};
          break;
        case FlagKind::map:
          slot.value = std::map<std::string, std::string>{};
          break;
      }
      slots_.push_back(std::move(slot));
    }
  }
}

Result<std::vector<std::string>> FlagValues::parse(std::span<const std::string> arguments) {
  const auto refuse = [](std::string text) -> base::Error { return {Errc::invalid_argument, std::move(text)}; };
  std::size_t next = 0;
  while (next < arguments.size()) {
    const std::string& argument = arguments[next];
    if (argument.size() < 2 || argument[0] != '-') break;
    ++next;
    const std::size_t dashes = argument[1] == '-' ? 2 : 1;
    if (argument.size() == dashes) break;  // "--"
    std::string_view name = std::string_view(argument).substr(dashes);
    if (name[0] == '-' || name[0] == '=') return refuse("bad flag syntax: " + argument);
    std::string_view value;
    const std::size_t equals = name.find('=');
    const bool has_value = equals != std::string_view::npos;
    if (has_value) {
      value = name.substr(equals + 1);
      name = name.substr(0, equals);
    }

    Slot* slot = find(name);
    if (slot == nullptr) return refuse("flag provided but not defined: -" + std::string(name));
    const bool boolean = slot->flag->kind == FlagKind::boolean;
    if (!has_value && boolean) value = "true";
    if (!has_value && !boolean) {
      if (next == arguments.size()) return refuse("flag needs an argument: -" + std::string(name));
      value = arguments[next++];
    }
    if (Result<> assigned = assign(*slot, value); !assigned) {
      return refuse("invalid " + std::string(boolean ? "boolean " : "") + "value " + base::quote(value) + " for " +
                    (boolean ? "-" : "flag -") + std::string(name) + ": " + assigned.error().detail);
    }
    slot->set = true;
  }
  return std::vector<std::string>(arguments.begin() + static_cast<std::ptrdiff_t>(next), arguments.end());
}

Result<> FlagValues::assign(Slot& slot, std::string_view text) {
  const auto fail = [&](base::Error error) -> base::Error {
    return {error.code, explained(*slot.flag, std::move(error.detail))};
  };
  switch (slot.flag->kind) {
    case FlagKind::boolean: {
      Result<bool> value = base::parse_bool(text);
      if (!value) return fail(value.error());
      slot.value = *value;
      break;
    }
    case FlagKind::text:
      slot.value = std::string(text);
      break;
    case FlagKind::integer: {
      Result<std::int64_t> value = base::parse_int(text, 0);
      if (!value) return fail(value.error());
      slot.value = *value;
      break;
    }
    case FlagKind::number: {
      Result<std::uint64_t> value = base::parse_uint(text, 0);
      if (!value) return fail(value.error());
      slot.value = *value;
      break;
    }
    case FlagKind::duration: {
      Result<base::Duration> value = base::parse_duration(text);
      if (!value) return fail(value.error());
      slot.value = *value;
      break;
    }
    case FlagKind::list:
      std::get<std::vector<std::string>>(slot.value).emplace_back(text);
      break;
    case FlagKind::map: {
      const std::size_t equals = text.find('=');
      if (equals == std::string_view::npos) {
        return {Errc::invalid_argument, "Missing \"=\" value in argument: " + std::string(text)};
      }
      std::get<std::map<std::string, std::string>>(slot.value)[std::string(text.substr(0, equals))] =
          text.substr(equals + 1);
      break;
    }
  }
  return {};
}

FlagValues::Slot* FlagValues::find(std::string_view name) {
  for (Slot& slot : slots_) {
    if (slot.flag->name == name) return &slot;
  }
  return nullptr;
}

const FlagValues::Slot& FlagValues::at(std::string_view name) const {
  const Slot* slot = const_cast<FlagValues*>(this)->find(name);
  if (slot == nullptr) {
    std::fprintf(stderr, "bug: the command reads the flag -%.*s, which it does not declare\n",
                 static_cast<int>(name.size()), name.data());
    std::abort();
  }
  return *slot;
}

bool FlagValues::has(std::string_view name) const {
  return const_cast<FlagValues*>(this)->find(name) != nullptr;
}
bool FlagValues::is_set(std::string_view name) const {
  return at(name).set;
}
bool FlagValues::boolean(std::string_view name) const {
  return std::get<bool>(at(name).value);
}
const std::string& FlagValues::text(std::string_view name) const {
  return std::get<std::string>(at(name).value);
}
std::int64_t FlagValues::integer(std::string_view name) const {
  return std::get<std::int64_t>(at(name).value);
}
std::uint64_t FlagValues::number(std::string_view name) const {
  return std::get<std::uint64_t>(at(name).value);
}
base::Duration FlagValues::duration(std::string_view name) const {
  return std::get<base::Duration>(at(name).value);
}
const std::vector<std::string>& FlagValues::list(std::string_view name) const {
  return std::get<std::vector<std::string>>(at(name).value);
}
const std::map<std::string, std::string>& FlagValues::map(std::string_view name) const {
  return std::get<std::map<std::string, std::string>>(at(name).value);
}

}  // namespace proconsul::agent::cli
