#include "agent/telemetry/cpu_profile.h"

#include <sys/mman.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <mutex>
#include <thread>

namespace proconsul::agent {
namespace {

using base::Errc;
using base::Result;

constexpr long kPeriodMicroseconds = 10'000;
constexpr std::size_t kMostFrames = 64;
constexpr std::uintptr_t kMostStack = 64u << 20;
constexpr std::size_t kWords = 4u << 20;  // room for some ten minutes of one busy core; taken page by page

using Word = std::uintptr_t;

/// What the signal handler writes to. Claimed by counting `used` up, so that threads need not wait for each other.
struct Samples {
  Word* words = nullptr;
  std::atomic<std::size_t> used{0};
};

std::mutex profile_lock;               // of who starts and finishes
std::atomic<Samples*> collecting{};    // null: signals that are still under way are ignored
std::atomic<int> handlers_running{0};  // threads that may be looking at `collecting`
Samples samples;                       // guarded by profile_lock while nothing is collected
pid_t own_pid = 0;

struct Registers {
  Word pc = 0, frame = 0, stack = 0;
};

Registers registers_of(const ucontext_t& context) {
#if defined(__x86_64__)
  const auto& all = context.uc_mcontext.gregs;
  return {static_cast<Word>(all[REG_RIP]), static_cast<Word>(all[REG_RBP]), static_cast<Word>(all[REG_RSP])};
#elif defined(__aarch64__)
  const auto& all = context.uc_mcontext;
  return {static_cast<Word>(all.pc), static_cast<Word>(all.regs[29]), static_cast<Word>(all.sp)};
#else
  (void)context;
  return {};
#endif
}

/// Code without frame pointers (the C library's) leaves anything in the register: memory is read through the kernel,
/// which refuses what is not there.
bool read_frame(Word address, Word (&pair)[2]) {
  iovec here{pair, sizeof pair};
  iovec there{reinterpret_cast<void*>(address), sizeof pair};
  return ::process_vm_readv(own_pid, &here, 1, &there, 1, 0) == static_cast<ssize_t>(sizeof pair);
}

void sample(Samples& into, const ucontext_t& context) {
  const Registers registers = registers_of(context);
  if (registers.pc == 0) return;
  std::array<Word, kMostFrames> frames;
  std::size_t count = 0;
  frames[count++] = registers.pc;
  Word frame = registers.frame;
  Word above = registers.stack;
  while (count < kMostFrames && frame % sizeof(Word) == 0 && frame >= above && frame - registers.stack < kMostStack) {
    Word pair[2];
    if (!read_frame(frame, pair) || pair[1] == 0) break;
    frames[count++] = pair[1];
    above = frame + sizeof pair;
    frame = pair[0];
  }
  const std::size_t at = into.used.fetch_add(count + 2);
  if (at + count + 2 > kWords) return;  // full: the rest is lost, what is there stays true
  into.words[at] = 1;
  into.words[at + 1] = count;
  std::memcpy(&into.words[at + 2], frames.data(), count * sizeof(Word));
}

void on_signal(int, siginfo_t*, void* context) {
  const int error = errno;
  handlers_running.fetch_add(1);
  if (Samples* into = collecting.load()) sample(*into, *static_cast<const ucontext_t*>(context));
  handlers_running.fetch_sub(1);
  errno = error;
}

bool set_timer(long microseconds) {
  const itimerval period{.it_interval = {0, microseconds}, .it_value = {0, microseconds}};
  return ::setitimer(ITIMER_PROF, &period, nullptr) == 0;
}

/// After this no handler looks at the samples.
void stop_collecting() {
  set_timer(0);
  collecting.store(nullptr);
  while (handlers_running.load() > 0) std::this_thread::yield();
}

}  // namespace

Result<std::unique_ptr<CpuProfile>> CpuProfile::start() {
  const std::lock_guard lock(profile_lock);
  if (samples.words) return {Errc::unavailable, "cpu profiling already in use"};
  void* memory = ::mmap(nullptr, kWords * sizeof(Word), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return {Errc::unavailable, "no memory for samples"};
  samples.words = static_cast<Word*>(memory);
  samples.used.store(0);
  own_pid = ::getpid();
  std::unique_ptr<CpuProfile> profile(new CpuProfile);
  // The handler stays for good: a signal may arrive after the timer was stopped, and would end the process.
  struct sigaction action{};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigemptyset(&action.sa_mask);
  collecting.store(&samples);
  if (::sigaction(SIGPROF, &action, nullptr) != 0 || !set_timer(kPeriodMicroseconds)) {
    const int error = errno;
    collecting.store(nullptr);
    ::munmap(std::exchange(samples.words, nullptr), kWords * sizeof(Word));
    return {Errc::unavailable, std::string("no timer of processor time: ") + std::strerror(error)};
  }
  return profile;
}

CpuProfile::~CpuProfile() {
  const std::lock_guard lock(profile_lock);
  if (!samples.words) return;
  stop_collecting();
  ::munmap(std::exchange(samples.words, nullptr), kWords * sizeof(Word));
}

std::string CpuProfile::finish() {
  const std::lock_guard lock(profile_lock);
  if (!samples.words) return {};
  stop_collecting();
  // Samples follow each other without gaps up to the first that found no room.
  std::size_t end = 0;
  while (end + 2 <= kWords && samples.words[end] == 1 && end + 2 + samples.words[end + 1] <= kWords) {
    end += 2 + samples.words[end + 1];
  }
  std::string out;
  const auto add = [&](std::initializer_list<Word> words) {
    out.append(reinterpret_cast<const char*>(words.begin()), words.size() * sizeof(Word));
  };
  add({0, 3, 0, kPeriodMicroseconds, 0});
  out.append(reinterpret_cast<const char*>(samples.words), end * sizeof(Word));
  add({0, 1, 0});
  std::ifstream maps("/proc/self/maps");
  out.append(std::istreambuf_iterator<char>(maps), {});
  ::munmap(std::exchange(samples.words, nullptr), kWords * sizeof(Word));
  return out;
}

}  // namespace proconsul::agent
