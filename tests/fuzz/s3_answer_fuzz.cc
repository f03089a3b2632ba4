// What a store answers, and names of archives in a listing: any bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/backup/s3_store.h"
#include "agent/backup/scheduler.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proconsul::agent::backup;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const std::string& name : xml_texts(text, "Key")) {
    const auto what = parse_archive_name("c-", name);
    if (what && archive_name("c-", *what) != name) std::abort();
  }
  const auto what = parse_archive_name("c-", text);
  if (what && archive_name("c-", *what) != text) std::abort();
  return 0;
}
