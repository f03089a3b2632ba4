// history_check <HISTORY: are recorded operations on registers linearizable? One operation a line, as numbers:
//   KEY get|put|cas|delete-cas VALUE EXPECTED RESULT CALLED RETURNED
// with the members of Operation; RETURNED is -1 for an outcome that nobody knows. Registers start at 0. Exit code 1 and
// the first register that is not linearizable; 2 if a line is not understood.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/linearizable.h"

namespace simulation = proconsul::simulation;
using simulation::Operation;

namespace {

bool read(const char* line, Operation& operation) {
  char kind[16];
  long long called = 0;
  long long returned = 0;
  unsigned long long value = 0;
  unsigned long long expected = 0;
  unsigned long long result = 0;
  if (std::sscanf(line, "%u %15s %llu %llu %llu %lld %lld", &operation.key, kind, &value, &expected, &result, &called,
                  &returned) != 7) {
    return false;
  }
  static constexpr std::pair<const char*, Operation::Kind> kKinds[] = {
      {"get", Operation::Kind::get},
      {"put", Operation::Kind::put},
      {"cas", Operation::Kind::compare_and_set},
      {"delete-cas", Operation::Kind::compare_and_delete}};
  const auto* found = std::ranges::find_if(kKinds, [&](const auto& row) { return std::strcmp(row.first, kind) == 0; });
  if (found == std::end(kKinds) || (returned != -1 && returned < called)) return false;
  operation.kind = found->second;
  operation.value = value;
  operation.expected = expected;
  operation.result = result;
  operation.called = called;
  operation.returned = returned == -1 ? Operation::kNever : returned;
  return true;
}

// Less what has no known outcome and whose value no other operation saw or expected: that it never happened is one of
// the things that may have been, and the search grows with every such operation.
std::vector<Operation> without_unseen(const std::vector<Operation>& history) {
  std::set<std::pair<std::uint32_t, std::uint64_t>> seen;
  for (const Operation& operation : history) {
    if (operation.kind == Operation::Kind::get) seen.emplace(operation.key, operation.result);
    if (operation.kind >= Operation::Kind::compare_and_set) seen.emplace(operation.key, operation.expected);
  }
  std::vector<Operation> rest;
  std::ranges::copy_if(history, std::back_inserter(rest), [&](const Operation& operation) {
    return operation.returned != Operation::kNever || seen.contains({operation.key, operation.value});
  });
  return rest;
}

}  // namespace

int main() {
  std::vector<Operation> history;
  char line[256];
  while (std::fgets(line, sizeof line, stdin) != nullptr) {
    if (!read(line, history.emplace_back())) {
      std::fprintf(stderr, "line %zu is no operation: %s", history.size(), line);
      return 2;
    }
  }
  simulation::Verdict verdict = simulation::check(without_unseen(history));
  if (!verdict.linearizable) verdict = simulation::check(history);
  if (!verdict.linearizable) {
    std::printf("register %u is not linearizable: %s\n", verdict.key, verdict.explanation.c_str());
    return 1;
  }
  std::printf("%zu operations, %llu states: linearizable\n", history.size(),
              static_cast<unsigned long long>(verdict.visited));
  return 0;
}
