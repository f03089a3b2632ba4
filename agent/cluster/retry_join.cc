#include "agent/cluster/retry_join.h"

#include <utility>

#include "agent/cluster/join_address.h"

namespace proconsul::agent::cluster {

using base::Errc;
using base::Result;

RetryJoin::RetryJoin(Options options, Join join, Exhausted exhausted)
    : options_(std::move(options)), join_(std::move(join)), exhausted_(std::move(exhausted)) {
  if (!options_.addresses.empty()) thread_ = std::thread([this] { run(); });
}

RetryJoin::~RetryJoin() {
  stopping_.raise();
  if (thread_.joinable()) thread_.join();
}

void RetryJoin::run() {
  log_.info("Joining cluster...", {{"cluster", options_.cluster}});
  for (std::int64_t attempt = 1; !stopping_.raised(); ++attempt) {
    std::vector<std::string> addresses;
    for (const std::string& text : options_.addresses) {
      if (!text.starts_with(kProgram)) {
        addresses.push_back(text);
        continue;
      }
      Result<std::vector<std::string>> found = addresses_of_program(std::string_view(text).substr(kProgram.size()));
      if (!found) {
        log_.error("Cannot discover address",
                   {{"cluster", options_.cluster}, {"address", shown_address(text)}, {"error", found.error()}});
        continue;
      }
      addresses.insert(addresses.end(), found->begin(), found->end());
    }
    const Result<int> joined =
        addresses.empty() ? Result<int>(Errc::not_found, "No servers to join") : join_(addresses, stopping_);
    if (joined) {
      log_.info("Join cluster completed. Synced with initial agents",
                {{"cluster", options_.cluster}, {"num_agents", *joined}});
      return;
    }
    if (stopping_.raised()) return;
    if (options_.max_attempts > 0 && attempt > options_.max_attempts) {
      return exhausted_({Errc::unavailable, "agent: max join " + options_.cluster + " retry exhausted, exiting"});
    }
    log_.warn("Join cluster failed, will retry", {{"cluster", options_.cluster},
                                                  {"retry_interval", base::to_string(options_.interval)},
                                                  {"error", joined.error()}});
    if (!stopping_.sleep(options_.interval)) return;
  }
}

}  // namespace proconsul::agent::cluster
