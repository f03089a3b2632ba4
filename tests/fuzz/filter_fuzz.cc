// Filter expressions: any text either compiles and answers, or fails with a text.
#include <cstdint>
#include <string_view>

#include "base/filter/filter.h"

namespace proconsul::fuzz {

struct Inner {
  std::string Name{};
  base::List<std::string> Tags{};
};
struct Row {
  std::string ID{};
  std::int64_t Port{};
  bool On{};
  double Ratio{};
  base::Bytes Raw{};
  base::List<std::string> Tags{};
  base::Map<std::string> Meta{};
  base::List<Inner> Many{};
  base::Pointer<Inner> Maybe{};
};
PROCONSUL_DECLARE_TYPE(Inner)
PROCONSUL_DECLARE_TYPE(Row)
PROCONSUL_DESCRIBE_TYPE(Inner, "fuzz.Inner") {
  type.field("Name", &Inner::Name);
  type.field("Tags", &Inner::Tags);
}
PROCONSUL_DESCRIBE_TYPE(Row, "fuzz.Row") {
  type.field("ID", &Row::ID);
  type.field("Port", &Row::Port);
  type.field("On", &Row::On);
  type.field("Ratio", &Row::Ratio);
  type.field("Raw", &Row::Raw);
  type.field("Tags", &Row::Tags);
  type.field("Meta", &Row::Meta);
  type.field("Many", &Row::Many);
  type.field("Maybe", &Row::Maybe);
}

}  // namespace proconsul::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using proconsul::fuzz::Row;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto filter = proconsul::base::filter::Filter::create<Row>(text);
  if (!filter) {
    if (filter.error().detail.empty()) __builtin_trap();
    return 0;
  }
  Row row;
  (void)filter->matches(row);
  row.ID = "web-1";
  row.Tags = {"v1", "primary"};
  row.Meta = {{"env", "prod"}, {"a.b", "dotted"}};
  row.Many.emplace_back().Name = "one";
  row.Maybe.emplace().Tags = {"x"};
  (void)filter->matches(row);
  return 0;
}
