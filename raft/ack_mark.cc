#include "raft/ack_mark.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "raft/checksum.h"

namespace proconsul::raft {
namespace {

using base::Errc;
using base::Result;

constexpr std::size_t kPage = 4096;
constexpr std::uint32_t kMagic = 0x4b414350;

// Two slots, written in turn: a process that dies within set() leaves the other one whole.
struct Slot {
  std::uint64_t sequence;
  std::uint64_t last;
  std::uint32_t magic;
  std::uint32_t checksum;
};
std::uint32_t checksum_of(const Slot& slot) {
  return crc32c({reinterpret_cast<const char*>(&slot), offsetof(Slot, checksum)});
}
bool is_blank(const Slot& slot) {
  return slot.sequence == 0 && slot.last == 0 && slot.magic == 0 && slot.checksum == 0;
}

struct Found {
  AckMark::Value value{};
  unsigned turn = 0;  // of the next slot
};

Result<Found> find_newest(const Slot* slots, const std::string& path) {
  Found found;
  unsigned broken = 0;
  for (unsigned i = 0; i < 2; ++i) {
    const Slot& slot = slots[i];
    if (is_blank(slot)) continue;
    if (slot.magic != kMagic || slot.checksum != checksum_of(slot)) {
      ++broken;
      continue;
    }
    if (slot.sequence >= found.value.sequence) found = {{slot.sequence, {slot.last}}, i + 1};
  }
  // One broken slot beside a whole one is a store that was cut short; its write was not acknowledged yet.
  if (broken > 0 && found.value.sequence == 0 && (broken == 2 || !is_blank(slots[1]))) {
    return {Errc::corrupt, path + ": checksum mismatch"};
  }
  return found;
}

}  // namespace

Result<AckMark::Value> AckMark::read(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) return Value{};
  if (file < 0) return {Errc::unavailable, path + ": " + std::strerror(errno)};
  Slot slots[2]{};
  const ssize_t got = ::pread(file, slots, sizeof slots, 0);
  ::close(file);
  if (got != 0 && got != static_cast<ssize_t>(sizeof slots)) return {Errc::corrupt, path + ": wrong size"};
  Result<Found> found = find_newest(slots, path);
  if (!found) return found.error();
  return found->value;
}

Result<std::unique_ptr<AckMark>> AckMark::open(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return {Errc::unavailable, path + ": " + std::strerror(errno)};
  struct stat status{};
  ::fstat(file, &status);
  if (status.st_size != 0 && status.st_size != static_cast<off_t>(kPage)) {
    ::close(file);
    return {Errc::corrupt, path + ": wrong size"};
  }
  // Allocated now, while a full disk is an error; a page without a block behind it would be a SIGBUS later.
  if (const int failed = ::posix_fallocate(file, 0, kPage); failed != 0) {
    if (status.st_size == 0) ::unlink(path.c_str());
    ::close(file);
    return {Errc::unavailable, path + ": " + std::strerror(failed)};
  }
  if (status.st_size == 0) ::fsync(file);
  void* page = ::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  const int error = errno;
  ::close(file);
  if (page == MAP_FAILED) return {Errc::unavailable, path + ": " + std::strerror(error)};

  std::unique_ptr<AckMark> mark(new AckMark(page));
  Result<Found> found = find_newest(static_cast<const Slot*>(page), path);
  if (!found) return found.error();
  mark->value_ = found->value;
  mark->turn_ = found->turn;
  return mark;
}

AckMark::~AckMark() {
  ::munmap(page_, kPage);
}

void AckMark::set(Value value) {
  Slot slot{value.sequence, value.last.value, kMagic, 0};
  slot.checksum = checksum_of(slot);
  static_cast<Slot*>(page_)[turn_++ % 2] = slot;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  value_ = value;
}

}  // namespace proconsul::raft
