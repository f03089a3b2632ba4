#include "raft/entry_record.h"

#include <cstring>
#include <limits>

#include "raft/checksum.h"

namespace proconsul::raft {
namespace {

using base::Errc;
using base::Result;

constexpr char kEntryTag = 1;     // first byte of an entry's key
constexpr char kEntryFormat = 1;  // first byte of an entry's record
constexpr char kStateFormat = 1;
// format 1, checksum 4, type 1, term 8, seconds 8, nanoseconds 4, zone 2, size of extensions 4
constexpr std::size_t kHeader = 32;
constexpr std::size_t kChecked = 5;  // the checksum covers what follows it

template <class T>
void put(char* at, T value) {
  std::memcpy(at, &value, sizeof value);
}
template <class T>
T get(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

std::uint32_t entry_checksum(LogIndex index, std::string_view checked) {
  char seed[8];
  put(seed, index.value);
  return crc32c(checked, crc32c({seed, sizeof seed}));
}

}  // namespace

std::string entry_key(LogIndex index) {
  std::string key(9, kEntryTag);
  put(key.data() + 1, __builtin_bswap64(index.value));  // big endian: the database sorts by bytes
  return key;
}

LogIndex index_of_key(std::string_view key) {
  if (key.size() != 9 || key[0] != kEntryTag) return {};
  return {__builtin_bswap64(get<std::uint64_t>(key.data() + 1))};
}

void encode_entry(const Entry& entry, std::string& out) {
  const std::size_t start = out.size();
  out.resize(start + kHeader);
  out += entry.extensions;
  out += entry.data;
  char* header = out.data() + start;
  header[0] = kEntryFormat;
  header[5] = static_cast<char>(entry.type);
  put(header + 6, entry.term.value);
  put(header + 14, entry.appended_at.seconds);
  put(header + 22, entry.appended_at.nanoseconds);
  put(header + 26, entry.appended_at.zone_minutes);
  put(header + 28, static_cast<std::uint32_t>(entry.extensions.size()));
  put(header + 1, entry_checksum(entry.index, std::string_view(out).substr(start + kChecked)));
}

Result<Term> check_entry(LogIndex index, std::string_view record) {
  if (record.size() < kHeader) return {Errc::corrupt, "record is too short"};
  if (record[0] != kEntryFormat) return {Errc::corrupt, "unknown record format"};
  if (get<std::uint32_t>(record.data() + 1) != entry_checksum(index, record.substr(kChecked))) {
    return {Errc::corrupt, "checksum mismatch"};
  }
  if (static_cast<unsigned char>(record[5]) > static_cast<unsigned char>(EntryType::configuration)) {
    return {Errc::corrupt, "unknown entry type"};
  }
  if (get<std::uint32_t>(record.data() + 28) > record.size() - kHeader) {
    return {Errc::corrupt, "extensions exceed the record"};
  }
  return Term{get<std::uint64_t>(record.data() + 6)};
}

Result<EntryPtr> decode_entry(LogIndex index, std::string_view record) {
  Result<Term> term = check_entry(index, record);
  if (!term) return term.error();
  const std::size_t extensions = get<std::uint32_t>(record.data() + 28);
  auto entry = std::make_shared<Entry>();
  entry->index = index;
  entry->term = *term;
  entry->type = static_cast<EntryType>(record[5]);
  entry->appended_at.seconds = get<std::int64_t>(record.data() + 14);
  entry->appended_at.nanoseconds = get<std::int32_t>(record.data() + 22);
  entry->appended_at.zone_minutes = get<std::int16_t>(record.data() + 26);
  entry->extensions = record.substr(kHeader, extensions);
  entry->data = record.substr(kHeader + extensions);
  return EntryPtr(std::move(entry));
}

std::string encode_hard_state(const HardState& state) {
  std::string out(21, '\0');
  put(out.data() + 5, state.term.value);
  put(out.data() + 13, state.vote_term.value);
  out += state.voted_for;
  out[0] = kStateFormat;
  put(out.data() + 1, crc32c(std::string_view(out).substr(kChecked)));
  return out;
}

Result<HardState> decode_hard_state(std::string_view record) {
  if (record.size() < 21) return {Errc::corrupt, "record is too short"};
  if (record[0] != kStateFormat) return {Errc::corrupt, "unknown record format"};
  if (get<std::uint32_t>(record.data() + 1) != crc32c(record.substr(kChecked))) {
    return {Errc::corrupt, "checksum mismatch"};
  }
  HardState state;
  state.term.value = get<std::uint64_t>(record.data() + 5);
  state.vote_term.value = get<std::uint64_t>(record.data() + 13);
  state.voted_for = record.substr(21);
  return state;
}

}  // namespace proconsul::raft
