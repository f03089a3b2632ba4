// Log entries as a mad leader could send them: any bytes may be refused, none may break the state machine.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "catalog/fsm.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proconsul::catalog;
  Store store;
  StateMachine machine(store);
  std::string_view input(reinterpret_cast<const char*>(data), size);
  // Entries back to back: two bytes of length (and a flag for extensions), then the entry.
  for (std::uint64_t index = 1; input.size() > 2 && index < 64; ++index) {
    const auto head =
        static_cast<unsigned>(static_cast<unsigned char>(input[0]) << 8 | static_cast<unsigned char>(input[1]));
    input.remove_prefix(2);
    const std::string_view entry = input.substr(0, head & 0x7fff);
    input.remove_prefix(entry.size());
    const std::string_view extensions = head & 0x8000 ? entry.substr(0, entry.size() / 2) : std::string_view{};
    (void)machine.apply({.index = index, .term = 1, .data = entry, .extensions = extensions});
  }
  machine.commit();
  return 0;
}
