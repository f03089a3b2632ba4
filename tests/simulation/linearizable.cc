#include "tests/simulation/linearizable.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_set>

#include "tests/simulation/random.h"

namespace proconsul::simulation {

namespace {

// Calls and returns of one register in the order of time, as a doubly linked list from which operations are lifted out.
class Search {
 public:
  explicit Search(std::vector<Operation> operations) : operations_(std::move(operations)) {
    struct Point {
      std::int64_t at;
      bool is_return;
      std::size_t operation;
    };
    std::vector<Point> points;
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      points.push_back({operations_[i].called, false, i});
      if (operations_[i].returned != Operation::kNever) points.push_back({operations_[i].returned, true, i});
    }
    // Calls first at equal times: overlapping may reorder, so it never reports what could have happened.
    std::ranges::sort(points, [](const Point& a, const Point& b) {
      return std::tuple(a.at, a.is_return, a.operation) < std::tuple(b.at, b.is_return, b.operation);
    });
    nodes_.resize(points.size() + 2);
    call_of_.resize(operations_.size());
    return_of_.assign(operations_.size(), 0);
    for (std::size_t i = 0; i < points.size(); ++i) {
      nodes_[i + 1] = {points[i].operation, points[i].is_return, i, i + 2};
      (points[i].is_return ? return_of_ : call_of_)[points[i].operation] = i + 1;
    }
    nodes_.front().next = 1;
    nodes_.back().is_end = true;
    nodes_.back().previous = points.size();
    for (const Operation& operation : operations_) {
      if (operation.returned != Operation::kNever) ++must_;
    }
    done_.assign((operations_.size() + 63) / 64, 0);
  }

  bool run() {
    for (bool is_new = true;;) {
      if (must_ == 0) return true;
      if (is_new) {
        is_new = false;
        at_ = nodes_.front().next;
        if (place_idle() || place_urgent()) {
          is_new = true;
          continue;
        }
      }
      const Node& node = nodes_[at_];
      if (!node.is_end && !node.is_return) {
        at_ = node.next;
        is_new = place(node.operation, Choice::any);
        continue;
      }
      // A return whose call is not placed yet, or the end: this order does not work.
      if (trail_.size() > deepest_.size()) {
        deepest_.clear();
        for (const auto& placed : trail_) deepest_.push_back(placed.operation);
        blocked_ = node.is_end ? operations_.size() : node.operation;
      }
      if (!undo()) return false;
    }
  }

  std::uint64_t visited() const { return seen_.size(); }

  std::string explain() const {
    const auto text = [&](std::size_t i) {
      static constexpr const char* kNames[] = {"get", "put", "append", "cas", "cas-delete"};
      const Operation& operation = operations_[i];
      return std::string(kNames[static_cast<int>(operation.kind)]) + "(" + std::to_string(operation.expected) + "," +
             std::to_string(operation.value) + ")=" + std::to_string(operation.result) + " @" +
             std::to_string(operation.called / 1000) + ".." +
             (operation.returned == Operation::kNever ? "?" : std::to_string(operation.returned / 1000)) + "us";
    };
    std::string out = "longest order ends with:";
    const std::size_t from = deepest_.size() > 6 ? deepest_.size() - 6 : 0;
    for (std::size_t i = from; i < deepest_.size(); ++i) out += "\n    " + text(deepest_[i]);
    if (blocked_ < operations_.size()) out += "\n  cannot place: " + text(blocked_);
    return out;
  }

 private:
  struct Node {
    std::size_t operation{};
    bool is_return{};
    std::size_t previous{};
    std::size_t next{};
    bool is_end{};
  };
  enum class Choice : std::uint8_t { idle, urgent, any };  // why an operation was placed
  struct Placed {
    std::size_t operation;
    std::uint64_t state;
    Choice choice;
  };

  bool place(std::size_t operation, Choice choice) {
    std::uint64_t result = 0;
    const std::uint64_t next = step(state_, operations_[operation], result);
    const bool fits = operations_[operation].returned == Operation::kNever || result == operations_[operation].result;
    if (!fits || !remember(operation, next)) return false;
    trail_.push_back({operation, state_, choice});
    lift(operation);
    state_ = next;
    return true;
  }

  // By what it returned: wherever it is placed, it changes nothing. (A write that changes nothing here may be what
  // explains a later read.)
  static bool only_looks(const Operation& operation) {
    using Kind = Operation::Kind;
    const bool conditional = operation.kind == Kind::compare_and_set || operation.kind == Kind::compare_and_delete;
    if (operation.returned == Operation::kNever) return false;
    return operation.kind == Kind::get || (conditional && operation.result == 0);
  }

  // What only looks and fits may as well come now: it stands in nobody's way, so nothing else need be tried here.
  bool place_idle() {
    for (std::size_t at = at_; !nodes_[at].is_end && !nodes_[at].is_return; at = nodes_[at].next) {
      const std::size_t operation = nodes_[at].operation;
      if (only_looks(operations_[operation]) && place(operation, Choice::idle)) return true;
    }
    return false;
  }

  // Most likely the one that returns first also happened first.
  bool place_urgent() {
    std::size_t at = at_;
    while (!nodes_[at].is_end && !nodes_[at].is_return) at = nodes_[at].next;
    return !nodes_[at].is_end && place(nodes_[at].operation, Choice::urgent);
  }

  // Takes back the last choice for which there is another one, which at_ then leads to; false: there is none.
  bool undo() {
    while (!trail_.empty()) {
      const Placed undone = trail_.back();
      trail_.pop_back();
      state_ = undone.state;
      put_back(undone.operation);
      if (undone.choice == Choice::idle) continue;
      at_ = undone.choice == Choice::urgent ? nodes_.front().next : nodes_[call_of_[undone.operation]].next;
      return true;
    }
    return false;
  }

  // True the first time that this set of placed operations leaves this state.
  bool remember(std::size_t operation, std::uint64_t state) {
    done_[operation / 64] ^= std::uint64_t{1} << (operation % 64);
    std::uint64_t low = mix(1, state);
    std::uint64_t high = mix(2, state);
    for (const std::uint64_t word : done_) {
      low = mix(low, word);
      high = mix(high, word ^ 0xa5a5a5a5a5a5a5a5);
    }
    const bool added = seen_.insert({low, high}).second;
    if (!added) done_[operation / 64] ^= std::uint64_t{1} << (operation % 64);
    return added;
  }

  void unlink(std::size_t i) {
    nodes_[nodes_[i].previous].next = nodes_[i].next;
    nodes_[nodes_[i].next].previous = nodes_[i].previous;
  }
  void link(std::size_t i) {
    nodes_[nodes_[i].previous].next = i;
    nodes_[nodes_[i].next].previous = i;
  }
  void lift(std::size_t operation) {
    unlink(call_of_[operation]);
    if (return_of_[operation] == 0) return;
    unlink(return_of_[operation]);
    --must_;
  }
  void put_back(std::size_t operation) {
    done_[operation / 64] ^= std::uint64_t{1} << (operation % 64);
    if (return_of_[operation] != 0) {
      link(return_of_[operation]);
      ++must_;
    }
    link(call_of_[operation]);
  }

  struct Key {
    std::uint64_t low, high;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const { return key.low; }
  };

  std::vector<Operation> operations_;
  std::vector<Node> nodes_;
  std::vector<std::size_t> call_of_;
  std::vector<std::size_t> return_of_;
  std::vector<std::uint64_t> done_;
  std::uint64_t state_ = 0;
  std::size_t at_ = 0;    // the call that is tried next
  std::size_t must_ = 0;  // returned operations that are not placed yet
  std::vector<Placed> trail_;
  std::unordered_set<Key, KeyHash> seen_;  // two 64-bit hashes stand for the set and the state
  std::vector<std::size_t> deepest_;
  std::size_t blocked_ = 0;
};

}  // namespace

std::uint64_t step(std::uint64_t state, const Operation& operation, std::uint64_t& result) {
  switch (operation.kind) {
    case Operation::Kind::get:
      result = state;
      return state;
    case Operation::Kind::put:
      result = 0;
      return operation.value;
    case Operation::Kind::append:
      return result = mix(state, operation.value);
    case Operation::Kind::compare_and_set:
      result = state == operation.expected ? 1 : 0;
      return result == 1 ? operation.value : state;
    case Operation::Kind::compare_and_delete:  // of what is not there: Consul says that it is gone
      result = state == operation.expected || state == 0 ? 1 : 0;
      return result == 1 ? 0 : state;
  }
  return state;
}

Verdict check(const std::vector<Operation>& history) {
  std::map<std::uint32_t, std::vector<Operation>> by_key;
  for (const Operation& operation : history) {
    if (operation.kind == Operation::Kind::get && operation.returned == Operation::kNever) continue;
    by_key[operation.key].push_back(operation);
  }
  Verdict verdict;
  for (auto& [key, operations] : by_key) {
    Search search(std::move(operations));
    const bool fine = search.run();
    verdict.visited += search.visited();
    if (fine) continue;
    verdict.linearizable = false;
    verdict.key = key;
    verdict.explanation = search.explain();
    break;
  }
  return verdict;
}

}  // namespace proconsul::simulation
