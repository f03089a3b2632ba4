// Prepared query templates: any text either compiles and renders, or fails with a text.
#include <cstdint>
#include <string_view>

#include "catalog/prepared_query/template.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proconsul::catalog;
  // Lines: the template's name, a name to render, the pattern, and the rest is a text of the service.
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto line = [&] {
    const std::size_t end = std::min(input.find('\n'), input.size());
    const std::string_view text = input.substr(0, end);
    input.remove_prefix(std::min(end + 1, input.size()));
    return text;
  };
  PreparedQuery query;
  query.Template.Type = kNamePrefixMatch;
  query.Name = line();
  const std::string_view name = line();
  query.Template.Regexp = line();
  query.Service.Service = input;
  query.Service.Tags = {std::string(input)};
  query.Template.RemoveEmptyTags = true;
  const auto compiled = QueryTemplate::compile(query);
  if (!compiled) {
    if (compiled.error().detail.empty()) __builtin_trap();
    return 0;
  }
  const auto rendered = (*compiled)->render(query, name, "segment");
  if (!rendered && rendered.error().detail.empty()) __builtin_trap();
  return 0;
}
