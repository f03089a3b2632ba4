#include "agent/backup/scheduler.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <future>
#include <utility>

#include "agent/backup/folder_store.h"
#include "agent/backup/s3_store.h"
#include "base/background.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "raft/archive.h"

namespace proconsul::agent::backup {
namespace {

using base::Errc;
using base::Error;
using base::Result;

const base::log::Logger kLog("agent.server.snapshots");

constexpr base::Duration kTick = base::seconds(2);  // how often it is asked who leads
constexpr std::int64_t kFirstRetry = 10;            // seconds; each further one takes twice as long
constexpr std::int64_t kLongestRetry = 600;

struct Metrics {
  base::metrics::Counter taken = base::metrics::counter("snapshots.taken", {}, "Scheduled archives that were kept");
  base::metrics::Counter failed =
      base::metrics::counter("snapshots.failed", {}, "Attempts at a scheduled archive that failed");
  base::metrics::Sample time =
      base::metrics::sample("snapshots.time", {}, "How long a scheduled archive takes, in milliseconds");
  base::metrics::Gauge bytes = base::metrics::gauge("snapshots.bytes", {}, "Size of the last scheduled archive");
  base::metrics::Gauge last =
      base::metrics::gauge("snapshots.last_success", {}, "When the last scheduled archive was kept, in unix seconds");
};
const Metrics& metrics() {
  static const Metrics all;
  return all;
}

std::int64_t unix_now() {
  return base::system_clock().wall().seconds - base::kUnixEpochSeconds;
}

std::string from_environment(const std::string& configured, const char* name) {
  if (!configured.empty()) return configured;
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Result<S3Credentials> credentials(const config::SnapshotSchedule::S3& s3) {
  S3Credentials found;
  if (!s3.access_key_id.empty()) {
    found = {s3.access_key_id, s3.secret_access_key, s3.session_token};
  } else {
    found = {from_environment("", "AWS_ACCESS_KEY_ID"), from_environment("", "AWS_SECRET_ACCESS_KEY"),
             from_environment(s3.session_token, "AWS_SESSION_TOKEN")};
  }
  if (found.access_key_id.empty() || found.secret_access_key.empty()) {
    return {Errc::invalid_argument,
            "snapshots.aws_storage: there are no credentials: neither access_key_id and secret_access_key nor "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"};
  }
  return found;
}

/// Leading digits of a fixed number; false if they are not all there.
bool take_digits(std::string_view& text, std::size_t count, int& out) {
  if (text.size() < count) return false;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + count, out);
  if (failed != std::errc{} || end != text.data() + count) return false;
  text.remove_prefix(count);
  return true;
}

/// No more than letters, digits and -._: it becomes part of a file's name.
std::string part_of_name(std::string text) {
  for (char& c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '_' && c != '.') c = '_';
  }
  return text;
}

}  // namespace

std::string archive_name(const std::string& beginning, ArchiveName what) {
  const std::time_t seconds = what.unix_seconds;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
  return beginning + stamp + '-' + std::to_string(what.index) + ".snap";
}

std::optional<ArchiveName> parse_archive_name(std::string_view beginning, std::string_view name) {
  constexpr std::string_view kEnd = ".snap";
  if (!name.starts_with(beginning) || !name.ends_with(kEnd)) return std::nullopt;
  std::string_view left = name.substr(beginning.size());
  if (left.size() < kEnd.size()) return std::nullopt;
  left.remove_suffix(kEnd.size());
  std::tm utc{};
  if (!take_digits(left, 4, utc.tm_year) || !take_digits(left, 2, utc.tm_mon) || !take_digits(left, 2, utc.tm_mday) ||
      !left.starts_with('T')) {
    return std::nullopt;
  }
  left.remove_prefix(1);
  if (!take_digits(left, 2, utc.tm_hour) || !take_digits(left, 2, utc.tm_min) || !take_digits(left, 2, utc.tm_sec) ||
      !left.starts_with("Z-")) {
    return std::nullopt;
  }
  left.remove_prefix(2);
  utc.tm_year -= 1900;
  utc.tm_mon -= 1;
  ArchiveName out{.unix_seconds = ::timegm(&utc)};
  const auto [end, failed] = std::from_chars(left.data(), left.data() + left.size(), out.index);
  if (failed != std::errc{} || end != left.data() + left.size()) return std::nullopt;
  // A day that there is not would come back under another name.
  if (archive_name(std::string(beginning), out) != name) return std::nullopt;
  return out;
}

std::vector<std::string> outdated(const std::string& beginning, std::vector<std::string> names, std::size_t retain) {
  std::erase_if(names, [&](const std::string& name) { return !parse_archive_name(beginning, name); });
  const auto key = [&](const std::string& name) {
    const ArchiveName what = *parse_archive_name(beginning, name);
    return std::pair(what.unix_seconds, what.index);
  };
  std::ranges::sort(names, std::greater<>(), key);
  if (names.size() <= retain) return {};
  names.erase(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(retain));
  return names;
}

Scheduler::Scheduler(Options options, server::Server& server, server::Operator& cluster)
    : options_(std::move(options)),
      beginning_(options_.schedule.prefix + '-' + options_.datacenter + '-' +
                 (options_.schedule.stale ? part_of_name(options_.node) + '-' : "")),
      server_(server),
      cluster_(cluster) {}

Result<std::unique_ptr<Scheduler>> Scheduler::start(Options options, server::Server& server, server::Operator& cluster,
                                                    base::net::Loop& loop) {
  std::unique_ptr<Scheduler> scheduler(new Scheduler(std::move(options), server, cluster));
  const config::SnapshotSchedule& schedule = scheduler->options_.schedule;
  if (!schedule.folder.empty()) {
    scheduler->stores_.push_back({.store = std::make_unique<FolderStore>(schedule.folder)});
  }
  if (!schedule.s3.bucket.empty()) {
    Result<S3Credentials> found = credentials(schedule.s3);
    if (!found) return found.error();
    // The store is no business of the agent's own certificates.
    Result<std::shared_ptr<base::net::TlsContext>> tls = base::net::TlsContext::client({});
    if (!tls) return tls.error();
    scheduler->stores_.push_back(
        {.store = std::make_unique<S3Store>(schedule.s3, std::move(*found), loop, scheduler->resolver_, std::move(*tls),
                                            scheduler->stopping_)});
  }
  scheduler->thread_ = std::thread([self = scheduler.get()] { self->run(); });
  return scheduler;
}

Scheduler::~Scheduler() {
  stopping_.raise();
  if (thread_.joinable()) thread_.join();
}

bool Scheduler::our_turn() const {
  const server::Leadership leadership = server_.leadership();
  return options_.schedule.stale ? leadership.known : leadership.is_leader;
}

void Scheduler::run() {
  base::give_way();
  while (stopping_.sleep(kTick)) {
    if (!our_turn()) {
      for (Kept& kept : stores_) kept.due.reset();  // by then another server has taken some
      continue;
    }
    const std::int64_t now = unix_now();
    for (Kept& kept : stores_) {
      if (!kept.due) look(kept, now);
    }
    if (std::ranges::any_of(stores_, [now](const Kept& kept) { return kept.due && *kept.due <= now; })) take(now);
  }
}

/// The next archive is due an interval after the newest, whoever took that.
void Scheduler::look(Kept& kept, std::int64_t now) {
  const Result<std::vector<std::string>> names = kept.store->list(beginning_);
  if (!names) return failed(kept, now, names.error());
  std::int64_t newest = 0;
  for (const std::string& name : *names) {
    if (const auto what = parse_archive_name(beginning_, name)) newest = std::max(newest, what->unix_seconds);
  }
  const std::int64_t interval = options_.schedule.interval.nanoseconds / 1'000'000'000;
  kept.due = std::min(newest, now) + interval;  // a clock that was wrong must not stop us for long
}

Result<std::unique_ptr<raft::ScratchFile>> Scheduler::make_archive(std::int64_t now, std::uint64_t& index) {
  if (!options_.schedule.stale) {
    std::promise<Result<>> promise;
    std::future<Result<>> leads = promise.get_future();
    server_.verify_leader([&promise](Result<> result) { promise.set_value(std::move(result)); });
    if (Result<> result = leads.get(); !result) return result.error();
  }
  std::promise<Result<server::Operator::Snapshot>> promise;
  std::future<Result<server::Operator::Snapshot>> taken = promise.get_future();
  cluster_.take_snapshot([&promise](auto result) { promise.set_value(std::move(result)); });
  Result<server::Operator::Snapshot> snapshot = taken.get();
  if (!snapshot) return snapshot.error();
  index = snapshot->index;
  Result<std::unique_ptr<raft::ScratchFile>> archive = raft::ScratchFile::create(options_.scratch);
  if (!archive) return archive.error();
  if (Result<> written = raft::write_archive(*snapshot->state, now, **archive); !written) return written.error();
  // What nobody could restore is no backup.
  (*archive)->rewind();
  raft::NullSink nowhere;
  const Result<raft::SnapshotMeta> meta = raft::read_archive(**archive, nowhere);
  if (!meta) return {meta.error().code, "the archive does not verify: " + meta.error().detail};
  return archive;
}

Result<> Scheduler::keep(Kept& kept, const std::string& name, raft::ScratchFile& archive) {
  if (Result<> put = kept.store->put(name, archive); !put) return put;
  if (options_.schedule.retain == 0) return {};
  Result<std::vector<std::string>> names = kept.store->list(beginning_);
  if (!names) return names.error();
  for (const std::string& old :
       outdated(beginning_, std::move(*names), static_cast<std::size_t>(options_.schedule.retain))) {
    if (Result<> removed = kept.store->remove(old); !removed) return removed;
    kLog.info("an old snapshot was removed", {{"place", kept.store->place()}, {"name", old}});
  }
  return {};
}

void Scheduler::take(std::int64_t now) {
  const base::metrics::ScopedTimer timer(metrics().time);
  std::uint64_t index = 0;
  Result<std::unique_ptr<raft::ScratchFile>> archive = make_archive(now, index);
  const std::string name = archive_name(beginning_, {now, index});
  for (Kept& kept : stores_) {
    if (!kept.due || *kept.due > now) continue;
    if (!archive) {
      failed(kept, now, archive.error());
      continue;
    }
    if (const Result<> done = keep(kept, name, **archive); !done) {
      failed(kept, now, done.error());
      continue;
    }
    kept.failures = 0;
    kept.due = now + options_.schedule.interval.nanoseconds / 1'000'000'000;
    metrics().taken.add();
    metrics().bytes.set(static_cast<double>((*archive)->size()));
    metrics().last.set(static_cast<double>(now));
    kLog.info("snapshot saved",
              {{"place", kept.store->place()}, {"name", name}, {"index", index}, {"bytes", (*archive)->size()}});
  }
}

void Scheduler::failed(Kept& kept, std::int64_t now, const Error& error) {
  if (stopping_.raised()) return;
  const std::int64_t interval = options_.schedule.interval.nanoseconds / 1'000'000'000;
  const std::int64_t pause = std::min({interval, kLongestRetry, kFirstRetry << std::min(kept.failures, 10)});
  ++kept.failures;
  kept.due = now + pause;
  metrics().failed.add();
  kLog.error("snapshot was not saved", {{"place", kept.store->place()},
                                        {"error", error},
                                        {"failures", kept.failures},
                                        {"retry_in", base::to_string(base::seconds(pause))}});
}

}  // namespace proconsul::agent::backup
