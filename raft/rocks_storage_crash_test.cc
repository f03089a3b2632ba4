// A second process of this test binary writes and is killed at random points; what it acknowledged must be there.
// Another one meets a limit of the kernel on the size of its files, which is lifted later.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <random>

#include "raft/rocks_storage.h"
#include "raft/temporary_directory.h"

extern char** environ;

namespace proconsul::raft {
namespace {

constexpr const char* kDirectory = "PROCONSUL_CRASH_WRITER_DIRECTORY";

std::string data_of(std::uint64_t index, std::uint64_t term) {
  return std::string(index * 37 % 3000, static_cast<char>('a' + (index + term) % 26));
}

/// Appends, truncates, compacts and votes for ever; after each write that returned tells standard output what it
/// reached.
[[noreturn]] void write_until_killed(const char* directory) {
  auto storage = RocksStorage::open({.directory = directory, .write_buffer_bytes = 64u << 10});
  if (!storage) {
    const std::string text = "E " + storage.error().detail + "\n";
    (void)!::write(1, text.data(), text.size());
    ::_exit(1);
  }
  RocksStorage& log = **storage;
  std::mt19937_64 random(static_cast<std::uint64_t>(::getpid()));
  std::uint64_t term = log.hard_state().term.value + 1;
  for (;;) {
    StorageWrite write;
    std::uint64_t next = log.last_index().value + 1;
    if (random() % 8 == 0 && next > log.first_index().value + 3 && log.first_index().value != 0) {
      next -= 2;
      write.truncate_from = LogIndex{next};
      ++term;
    }
    write.hard_state = HardState{{term}, {term}, "candidate"};
    for (std::uint64_t count = 1 + random() % 5; count > 0; --count, ++next) {
      auto entry = std::make_shared<Entry>();
      entry->index = {next};
      entry->term = {term};
      entry->data = data_of(next, term);
      write.entries.push_back(std::move(entry));
    }
    if (!log.write(write)) ::_exit(2);
    if (random() % 50 == 0 && log.last_index().value > 200 && !log.compact(log.last_index() - 100)) ::_exit(3);
    const std::string text = "ack " + std::to_string(log.last_index().value) + " " + std::to_string(term) + "\n";
    (void)!::write(1, text.data(), text.size());
  }
}

constexpr const char* kLimited = "PROCONSUL_LIMITED_WRITER_DIRECTORY";

/// The exit code says what went wrong.
int write_against_a_limit(const char* directory) {
  ::signal(SIGXFSZ, SIG_IGN);
  auto opened = RocksStorage::open({.directory = directory, .write_buffer_bytes = 64u << 10});
  if (!opened) return 10;
  RocksStorage& log = **opened;
  const auto append = [&] {
    StorageWrite write;
    for (int i = 0; i < 8; ++i) {
      auto entry = std::make_shared<Entry>();
      entry->index = log.last_index() + (1 + static_cast<std::uint64_t>(i));
      entry->term = {1};
      entry->data = data_of(entry->index.value, 1);
      write.entries.push_back(std::move(entry));
    }
    return log.write(write);
  };
  rlimit limit{20'000, RLIM_INFINITY};
  for (int round = 0; round < 3; ++round, limit.rlim_cur += 7'777) {
    const LogIndex before = log.last_index();
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 11;
    int refused = 0;
    for (int attempt = 0; attempt < 200 && refused < 3; ++attempt) {
      const LogIndex last = log.last_index();
      base::Result<> written = append();
      if (written) continue;
      if (written.error().code != base::Errc::unavailable || log.last_index() != last) return 12;
      ++refused;
    }
    if (refused == 0) return 13;
    const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_FSIZE, &none) != 0) return 14;
    if (!append()) return 15;
    if (log.last_index() <= before) return 16;
    auto all = log.read({1}, log.last_index(), std::size_t{1} << 30);
    if (!all || all->size() != log.last_index().value) return 17;
    for (const EntryPtr& entry : *all) {
      if (entry->data != data_of(entry->index.value, 1)) return 18;
    }
  }
  const LogIndex last = log.last_index();
  opened->reset();
  opened = RocksStorage::open({.directory = directory});
  return opened && (*opened)->last_index() == last ? 0 : 19;
}

pid_t spawn(const char* variable, const std::string& directory, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output, 1);
  std::string setting = std::string(variable) + "=" + directory;
  std::vector<char*> environment;
  for (char** inherited = environ; *inherited != nullptr; ++inherited) environment.push_back(*inherited);
  environment.push_back(setting.data());
  environment.push_back(nullptr);
  char name[] = "writer";
  char* arguments[] = {name, nullptr};
  pid_t child = -1;
  if (::posix_spawn(&child, "/proc/self/exe", &actions, nullptr, arguments, environment.data()) != 0) child = -1;
  posix_spawn_file_actions_destroy(&actions);
  return child;
}

class CrashWriter : public testing::Environment {
 public:
  void SetUp() override {
    if (const char* directory = std::getenv(kDirectory)) write_until_killed(directory);
    if (const char* directory = std::getenv(kLimited)) ::_exit(write_against_a_limit(directory));
  }
};
[[maybe_unused]] testing::Environment* const kCrashWriter = testing::AddGlobalTestEnvironment(new CrashWriter);

TEST(RocksStorageCrash, KillNineAtRandomPointsLosesNothingThatWasAcknowledged) {
  TemporaryDirectory directory;
  const std::string log = directory / "log";
  std::mt19937_64 random{std::random_device{}()};
  std::uint64_t total = 0;

  for (int round = 0; round < 30; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const pid_t child = spawn(kDirectory, log, ends[1]);
    ASSERT_GT(child, 0);
    ::close(ends[1]);

    std::string output;
    std::chrono::steady_clock::time_point deadline{};
    for (;;) {
      int patience = 60'000;  // for the first word; then it is given some milliseconds of writing
      if (deadline != std::chrono::steady_clock::time_point{}) {
        patience = static_cast<int>(
            std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count());
        if (patience <= 0) break;
      }
      pollfd ready{ends[0], POLLIN, 0};
      if (::poll(&ready, 1, patience) <= 0) break;
      char buffer[4096];
      const ssize_t got = ::read(ends[0], buffer, sizeof buffer);
      if (got <= 0) break;
      output.append(buffer, static_cast<std::size_t>(got));
      if (deadline == std::chrono::steady_clock::time_point{} && output.find("ack ") != std::string::npos) {
        deadline = std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 60'000);
      }
    }
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    for (char buffer[4096];;) {
      const ssize_t got = ::read(ends[0], buffer, sizeof buffer);
      if (got <= 0) break;
      output.append(buffer, static_cast<std::size_t>(got));
    }
    ::close(ends[0]);
    ASSERT_TRUE(WIFSIGNALED(status)) << output;

    std::uint64_t acknowledged = 0, term = 0;
    for (std::size_t at = 0, end; (end = output.find('\n', at)) != std::string::npos; at = end + 1) {
      std::uint64_t index = 0, its_term = 0;
      if (std::sscanf(output.c_str() + at, "ack %lu %lu", &index, &its_term) == 2)
        acknowledged = index, term = its_term;
    }
    auto storage = RocksStorage::open({.directory = log, .write_buffer_bytes = 64u << 10});
    ASSERT_TRUE(storage) << storage.error().detail;
    ASSERT_GE((*storage)->hard_state().term.value, term);
    // One more write may have reached the disk; it may have truncated two entries and added as few as one.
    ASSERT_GE((*storage)->last_index().value + ((*storage)->hard_state().term.value > term ? 1 : 0), acknowledged);
    if ((*storage)->last_index().value == 0) continue;
    base::Result<std::vector<EntryPtr>> all =
        (*storage)->read((*storage)->first_index(), (*storage)->last_index(), std::size_t{1} << 30);
    ASSERT_TRUE(all) << all.error().detail;
    for (const EntryPtr& entry : *all) ASSERT_EQ(entry->data, data_of(entry->index.value, entry->term.value));
    total = (*storage)->last_index().value;
  }
  EXPECT_GT(total, 0u);
}

TEST(RocksStorageLimits, WritesRefusedByTheKernelAreNotHalfWrittenAndGoOnWhenItRelents) {
  TemporaryDirectory directory;

  const pid_t child = spawn(kLimited, directory / "log", 1);

  ASSERT_GT(child, 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace proconsul::raft
