#include "agent/telemetry/process_reports.h"

#include <dirent.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

namespace proconsul::agent {
namespace {

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string first_line(const std::string& path) {
  std::string text = file_text(path);
  text.resize(std::min(text.find('\n'), text.size()));
  return text;
}

struct Arena {
  std::uint64_t system_bytes{}, free_bytes{};
  std::uint64_t used() const { return system_bytes - std::min(free_bytes, system_bytes); }
};
struct Heap {
  std::vector<Arena> arenas{};
  std::uint64_t mapped_count{}, mapped_bytes{};  // large pieces, each mapped for itself
};

std::uint64_t attribute(std::string_view line, std::string_view name) {
  const std::string key = std::string(name) + "=\"";
  const std::size_t at = line.find(key);
  return at == std::string_view::npos ? 0 : std::strtoull(line.data() + at + key.size(), nullptr, 10);
}

/// What malloc_info() says. Its totals of all arenas follow the last one and are left aside.
Heap read_heap() {
  char* text = nullptr;
  std::size_t size = 0;
  FILE* stream = ::open_memstream(&text, &size);
  if (!stream) return {};
  ::malloc_info(0, stream);
  std::fclose(stream);
  const std::unique_ptr<char, void (*)(void*)> owner(text, &std::free);
  std::istringstream lines(std::string(text, size));
  Heap heap;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    const auto is = [&](std::string_view tag) { return line.starts_with(tag); };
    if (is("<heap ")) {
      heap.arenas.emplace_back();
      inside = true;
    } else if (is("</heap>")) {
      inside = false;
    } else if (inside && (is("<total type=\"fast\"") || is("<total type=\"rest\""))) {
      heap.arenas.back().free_bytes += attribute(line, "size");
    } else if (inside && is("<system type=\"current\"")) {
      heap.arenas.back().system_bytes = attribute(line, "size");
    } else if (!inside && is("<total type=\"mmap\"")) {
      heap.mapped_count = attribute(line, "count");
      heap.mapped_bytes = attribute(line, "size");
    }
  }
  return heap;
}

struct Thread {
  std::string id{}, name{}, state{};
  double cpu_seconds{};
  std::string address{"0x0"};  // where it is in user space
};

Thread read_thread(const std::string& id) {
  const std::string folder = "/proc/self/task/" + id + "/";
  Thread thread{.id = id, .name = first_line(folder + "comm")};
  const std::string stat = file_text(folder + "stat");
  if (const std::size_t name_end = stat.rfind(')'); name_end != std::string::npos) {
    std::istringstream rest(stat.substr(name_end + 1));
    rest >> thread.state;
    double field = 0, user = 0, system = 0;
    for (int i = 4; i <= 13; ++i) rest >> field;
    rest >> user >> system;
    thread.cpu_seconds = (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }
  // "NUMBER ARGUMENTS STACK ADDRESS" of the system call that it is in; "running" otherwise.
  const std::string call = first_line(folder + "syscall");
  if (const std::size_t at = call.rfind(' '); at != std::string::npos && call.find("0x", at) == at + 1) {
    thread.address = call.substr(at + 1);
  }
  return thread;
}

std::string_view state_name(std::string_view state) {
  if (state == "R") return "running";
  if (state == "S") return "sleeping";
  if (state == "D") return "waiting for a disk";
  if (state == "T" || state == "t") return "stopped";
  if (state == "Z" || state == "X") return "dead";
  return "idle";
}

}  // namespace

std::string heap_report() {
  const Heap heap = read_heap();
  std::uint64_t objects = heap.mapped_count, bytes = heap.mapped_bytes;
  for (const Arena& arena : heap.arenas) {
    ++objects;
    bytes += arena.used();
  }
  std::ostringstream out;
  out << "heap profile: " << objects << ": " << bytes << " [0: 0] @ heapprofile\n";
  out << "# Bytes in use as the allocator counts them; it does not know by whom. One object: one arena, or one piece\n"
         "# of memory that was mapped for itself.\n";
  for (std::size_t i = 0; i < heap.arenas.size(); ++i) {
    const Arena& arena = heap.arenas[i];
    out << "# arena " << i << ": " << arena.system_bytes << " bytes of the system, " << arena.free_bytes << " free\n";
    out << "1: " << arena.used() << " [0: 0] @ 0x" << std::hex << i + 1 << std::dec << '\n';
  }
  if (heap.mapped_count > 0) {
    out << "# mapped by themselves\n"
        << heap.mapped_count << ": " << heap.mapped_bytes << " [0: 0] @ 0x" << std::hex << heap.arenas.size() + 1
        << std::dec << '\n';
  }
  out << "\nMAPPED_LIBRARIES:\n" << file_text("/proc/self/maps");
  return out.str();
}

std::string thread_report(const std::string& kind) {
  std::vector<std::string> ids;
  if (const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/task"), &::closedir); folder) {
    while (const dirent* entry = ::readdir(folder.get())) {
      if (entry->d_name[0] != '.') ids.emplace_back(entry->d_name);
    }
  }
  std::ranges::sort(ids, {}, [](const std::string& id) { return std::pair(id.size(), id); });
  std::ostringstream out;
  out << kind << " profile: total " << ids.size() << '\n';
  for (const std::string& id : ids) {
    const Thread thread = read_thread(id);
    if (thread.state.empty()) continue;  // ended meanwhile
    out << "1 @ " << thread.address << "\n#\tthread " << id << " \"" << thread.name << "\", "
        << state_name(thread.state) << ", " << thread.cpu_seconds << " s of processor time\n";
  }
  out << "\n--- Memory map: ---\n" << file_text("/proc/self/maps");
  return out.str();
}

std::string command_line() {
  std::string words = file_text("/proc/self/cmdline");
  if (words.ends_with('\0')) words.pop_back();
  return words;
}

}  // namespace proconsul::agent
