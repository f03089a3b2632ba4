// JSON: any bytes either fail with a text or decode; what was decoded encodes to text that decodes to the same.
#include "base/json.h"

#include <cstdlib>

#include "base/msgpack.h"
#include "tests/fuzz/kitchen_sink.h"

namespace proconsul::fuzz {

template <class T>
void round_trip(std::string_view text, base::JsonReadOptions options) {
  T object{};
  if (!base::read_json(text, object, options)) return;
  const std::string encoded = base::to_json(object);
  T again{};
  if (!base::read_json(encoded, again) || base::to_json(again) != encoded) std::abort();
  T wired{};
  // The raft codec, since the others refuse a nil list at the top.
  const auto raft = base::MsgpackHandle::raft;
  if (!base::read_msgpack(base::to_msgpack(object, raft), wired, raft)) std::abort();
  std::string pretty;
  base::append_indented_json(pretty, encoded);
  T unindented{};
  if (!base::read_json(pretty, unindented) || base::to_json(unindented) != encoded) std::abort();
}

}  // namespace proconsul::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace proconsul;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto input : {base::JsonInput::whole, base::JsonInput::first}) {
    fuzz::round_trip<base::Value>(text, {.input = input});
    fuzz::round_trip<fuzz::KitchenSink>(text, {.input = input});
    fuzz::round_trip<base::List<fuzz::Part>>(text, {.input = input, .reject_unknown = true});
    fuzz::Shadowed shadowed;
    if (base::read_json(text, shadowed, {.input = input})) base::to_json(shadowed);
  }
  return 0;
}
