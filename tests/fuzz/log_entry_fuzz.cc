// Records of the raft log: what a damaged database may hand out. Input: the index (8 bytes), then the record.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "raft/entry_record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proconsul;
  if (size < 8) return 0;
  raft::LogIndex index;
  std::memcpy(&index.value, data, 8);
  const std::string_view record(reinterpret_cast<const char*>(data) + 8, size - 8);
  if (base::Result<raft::EntryPtr> entry = raft::decode_entry(index, record); entry) {
    std::string again;
    raft::encode_entry(**entry, again);
    if (again != record) std::abort();
  }
  if (base::Result<raft::HardState> state = raft::decode_hard_state(record); state) {
    if (raft::encode_hard_state(*state) != record) std::abort();
  }
  (void)raft::index_of_key(record);
  return 0;
}
