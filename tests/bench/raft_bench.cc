// What raft costs above the disk: latency of one proposer, throughput and CPU of many, start, idle. Prints one table.
#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "raft/node.h"
#include "raft/temporary_directory.h"

namespace {

using namespace proconsul;
using namespace proconsul::raft;
using Clock = std::chrono::steady_clock;

double microseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}
double cpu_microseconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}
double percentile(std::vector<double>& values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}
std::string memory(const char* key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key)) return line.substr(line.find_first_of("0123456789"));
  }
  return "?";
}

class CountingFsm final : public Fsm {
 public:
  void apply(std::span<Applied> batch) override {
    for (Applied& one : batch) {
      ++count;
      if (one.wanted) one.response = true;
    }
  }
  std::unique_ptr<FsmSnapshot> snapshot() override {
    struct Nothing final : FsmSnapshot {
      base::Result<> write(ByteSink& sink) override { return sink.write("nothing"); }
    };
    return std::make_unique<Nothing>();
  }
  base::Result<> restore(ByteSource& source) override {
    char buffer[4096];
    for (;;) {
      base::Result<std::size_t> got = source.read(buffer);
      if (!got) return got.error();
      if (*got == 0) return {};
    }
  }
  std::uint64_t count = 0;
};

double fdatasync_p50(const std::string& path, int rounds) {
  const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
  const std::string record(256, 'x');
  std::vector<double> took;
  for (int i = 0; i < rounds; ++i) {
    const auto begin = Clock::now();
    if (::write(file, record.data(), record.size()) < 0 || ::fdatasync(file) != 0) std::perror("fdatasync");
    took.push_back(microseconds(Clock::now() - begin));
  }
  ::close(file);
  return percentile(took, 0.5);
}

double one_proposer(Node& node, int rounds) {
  std::vector<double> took;
  Doorbell bell;
  for (int i = 0; i < rounds; ++i) {
    const auto begin = Clock::now();
    node.propose(std::string(200, 'p'), [&](base::Result<Completion> done) {
      if (!done) std::fprintf(stderr, "%s\n", done.error().detail.c_str());
      bell.ring();
    });
    bell.wait();
    took.push_back(microseconds(Clock::now() - begin));
  }
  return percentile(took, 0.5);
}

struct Throughput {
  double per_second, cpu_per_op;
};
// As event loops do: answers come to the loop's own thread, which then sends the next request of that connection.
Throughput many_proposers(Node& node, int proposers, int total) {
  std::mutex lock;
  int answered = 0, sent = 0;
  Doorbell bell;
  const auto begin = Clock::now();
  const double cpu = cpu_microseconds();
  const auto send = [&] {
    ++sent;
    node.propose(std::string(200, 'p'), [&](base::Result<Completion>) {
      const std::lock_guard guard(lock);
      if (answered++ == 0) bell.ring();
    });
  };
  for (int i = 0; i < proposers; ++i) send();
  for (int finished = 0; finished < total;) {
    bell.wait();
    int now_answered;
    {
      const std::lock_guard guard(lock);
      now_answered = std::exchange(answered, 0);
    }
    finished += now_answered;
    for (int i = 0; i < now_answered && sent < total; ++i) send();
  }
  return {total / (microseconds(Clock::now() - begin) / 1e6), (cpu_microseconds() - cpu) / total};
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 3000;
  TemporaryDirectory directory;
  const double disk_before = fdatasync_p50(directory / "baseline", rounds);

  CountingFsm fsm;
  NoTransport transport;
  NodeOptions options;
  options.id = {"bench"};
  options.address = "127.0.0.1:8300";
  options.directory = directory / "raft";
  options.bootstrap = Configuration{{{options.id, options.address, Suffrage::voter}}};
  options.log = [](Severity, const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); };
  const auto start_of = [&] {
    const auto begin = Clock::now();
    base::Result<std::unique_ptr<Node>> node = Node::start(options, fsm, transport);
    if (!node) {
      std::fprintf(stderr, "%s\n", node.error().detail.c_str());
      std::exit(1);
    }
    while (!(*node)->is_ready()) std::this_thread::sleep_for(std::chrono::microseconds(100));
    return std::pair(std::move(*node), microseconds(Clock::now() - begin) / 1000);
  };
  auto [node, fresh] = start_of();
  const double one = one_proposer(*node, rounds);
  const double disk_after = fdatasync_p50(directory / "baseline", rounds);
  const Throughput single = many_proposers(*node, 1, rounds);
  const Throughput many = many_proposers(*node, 64, rounds * 20);
  node.reset();
  auto [again, restart] = start_of();
  ::sleep(1);
  const double idle = cpu_microseconds();
  ::sleep(5);
  const double idle_used = (cpu_microseconds() - idle) * 12 / 1000;
  const double disk = (disk_before + disk_after) / 2;

  std::printf("write+fdatasync 256 B      p50 %8.1f us\n", disk);
  std::printf("one proposer               p50 %8.1f us   (%.2fx)\n", one, one / disk);
  std::printf("one proposer               %10.0f /s   %.1f us CPU each\n", single.per_second, single.cpu_per_op);
  std::printf("64 proposers               %10.0f /s   %.1f us CPU each   (%.1fx)\n", many.per_second, many.cpu_per_op,
              many.per_second / single.per_second);
  std::printf("start to leader            fresh %.1f ms, with %llu entries %.1f ms\n", fresh,
              static_cast<unsigned long long>(again->last_index().value), restart);
  std::printf("idle                       %.1f ms CPU a minute, RSS %s, anonymous %s\n", idle_used,
              memory("VmRSS").c_str(), memory("RssAnon").c_str());
  return 0;
}
