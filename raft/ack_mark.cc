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

}  // namespace

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
  const Slot* slots = static_cast<const Slot*>(page);
  unsigned broken = 0;
  for (unsigned i = 0; i < 2; ++i) {
    const Slot& slot = slots[i];
    if (is_blank(slot)) continue;
    if (slot.magic != kMagic || slot.checksum != checksum_of(slot)) {
      ++broken;
      continue;
    }
    if (slot.sequence >= mark->value_.sequence) {
      mark->value_ = {slot.sequence, {slot.last}};
      mark->turn_ = i + 1;
    }
  }
  // One broken slot beside a whole one is a store that was cut short; its write was not acknowledged yet.
  if (broken > 0 && mark->value_.sequence == 0 && (broken == 2 || !is_blank(slots[1]))) {
    return {Errc::corrupt, path + ": checksum mismatch"};
  }
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
