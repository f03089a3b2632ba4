// When a server last ran, in DATA_DIR/server_metadata.json as Consul keeps it: a server that was away for too long must
// not come back with its old data.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/result.h"

namespace proconsul::agent::server {

/// Unix seconds; 0: there is no file. An error if it cannot be read.
base::Result<std::int64_t> read_last_seen(const std::string& data_dir);

/// An error if the file says that the server was last seen more than `max_age` before now. No file: a first start.
base::Result<> check_last_seen(const std::string& data_dir, base::Duration max_age, const base::Clock& clock);

/// Writes the file now and every hour while it exists. The clock outlives it.
class LastSeen {
 public:
  LastSeen(std::string data_dir, const base::Clock& clock);
  ~LastSeen();
  LastSeen(const LastSeen&) = delete;
  LastSeen& operator=(const LastSeen&) = delete;

 private:
  void run();

  const std::string path_;
  const base::Clock& clock_;
  std::mutex mutex_{};
  std::condition_variable stop_{};
  bool stopping_ = false;
  std::thread thread_{};
};

}  // namespace proconsul::agent::server
