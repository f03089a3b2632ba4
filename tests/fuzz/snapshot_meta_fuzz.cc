// meta.json and peers.json, as found on disk and in archives.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "raft/recovery.h"
#include "raft/snapshot_meta.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proconsul;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (base::Result<raft::MetaFile> file = raft::decode_meta(text); file) {
    const std::string written = raft::encode_meta(*file);
    if (written.size() > raft::kMaxMetaBytes) return 0;
    base::Result<raft::MetaFile> again = raft::decode_meta(written);
    if (!again || raft::encode_meta(*again) != written) std::abort();
  }
  (void)raft::parse_peers_json(text);
  return 0;
}
