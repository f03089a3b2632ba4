// msgpack through each codec: any bytes either fail with a text or decode; what was decoded encodes to bytes that
// decode to the same.
#include "base/msgpack.h"

#include <cstdlib>

#include "base/json.h"
#include "tests/fuzz/kitchen_sink.h"

namespace proconsul::fuzz {

template <class T>
void round_trip(std::string_view bytes, base::MsgpackHandle handle) {
  T object{};
  if (!base::read_msgpack(bytes, object, handle)) return;
  const std::string encoded = base::to_msgpack(object, handle);
  T again{};
  if (!base::read_msgpack(encoded, again, handle) || base::to_msgpack(again, handle) != encoded) std::abort();
  base::MsgpackReader reader(encoded, handle);
  reader.skip();
  if (!reader.status() || !reader.at_end()) std::abort();
  base::to_json(object);
}

}  // namespace proconsul::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace proconsul;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const auto handle : {base::MsgpackHandle::consul, base::MsgpackHandle::plain, base::MsgpackHandle::raft,
                            base::MsgpackHandle::event}) {
    fuzz::round_trip<base::Value>(bytes, handle);
    fuzz::round_trip<fuzz::KitchenSink>(bytes, handle);
    fuzz::round_trip<base::List<fuzz::Part>>(bytes, handle);
    fuzz::round_trip<base::Map<std::string>>(bytes, handle);
  }
  return 0;
}
