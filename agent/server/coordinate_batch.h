// Coordinates that agents send to the leader, gathered for a while so that many agents cost few log entries.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "catalog/types/coordinate.h"

namespace proconsul::agent::server {

/// Any thread.
class CoordinateBatch {
 public:
  struct Options {
    std::size_t batch_size = 128;  // coordinates of one log entry
    std::size_t max_batches = 5;   // at one time; what is beyond is dropped, and sent again by its agent
  };
  /// `first` is called for the first coordinate since the last take(): somebody is to take them soon.
  CoordinateBatch(Options options, std::function<void()> first) : options_(options), first_(std::move(first)) {}

  /// Of a node in a segment the newest counts.
  void add(catalog::Coordinate coordinate);

  struct Taken {
    std::vector<catalog::Coordinates> batches{};
    std::size_t dropped{};
  };
  Taken take();

 private:
  const Options options_;
  const std::function<void()> first_;
  std::mutex mutex_{};
  std::map<std::pair<std::string, std::string>, catalog::Coordinate> gathered_{};  // by segment and node
};

}  // namespace proconsul::agent::server
