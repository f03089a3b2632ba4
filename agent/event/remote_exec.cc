#include "agent/event/remote_exec.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "agent/checks/process.h"
#include "agent/event/exec_job.h"
#include "agent/rpc/types.h"
#include "base/child_process.h"
#include "base/json.h"
#include "base/log.h"
#include "base/path.h"
#include "catalog/types/kv.h"

namespace proconsul::agent::event {

using base::Errc;
using base::Result;
using base::net::Clock;

namespace {

const base::log::Logger kLog("agent");

constexpr std::size_t kPiece = 4096;                 // of output, in one key
constexpr std::chrono::milliseconds kPatience{500};  // for a piece to become full
constexpr std::size_t kMostPieces = 16;              // that wait to be written; the program waits, too, then
/// A job that asks for a heartbeat more often would keep the servers busy with nothing.
constexpr std::chrono::milliseconds kLeastWait{100};
constexpr int kNotRun = 255;  // exit code

/// An executable file with the script, for its owner and group alone. Small, seldom, and not synced: a loop may do it.
Result<std::string> write_script(std::string_view script) {
  const char* folder = std::getenv("TMPDIR");
  std::string path = std::string(folder == nullptr || *folder == '\0' ? "/tmp" : folder) + "/rexecXXXXXX";
  const base::net::Fd file(::mkostemp(path.data(), O_CLOEXEC));
  if (!file) return {Errc::unavailable, "open " + path + ": " + base::net::errno_text(errno)};
  bool written = ::fchmod(file.get(), 0750) == 0;
  while (written && !script.empty()) {
    const ssize_t size = ::write(file.get(), script.data(), script.size());
    if (size < 0 && errno == EINTR) continue;
    written = size > 0;
    if (written) script.remove_prefix(static_cast<std::size_t>(size));
  }
  if (written) return path;
  const std::string why = base::net::errno_text(errno);
  ::unlink(path.c_str());
  return {Errc::unavailable, "write " + path + ": " + why};
}

class CallingTimer final : public base::net::Timer {
 public:
  explicit CallingTimer(std::function<void()> call) : call_(std::move(call)) {}

 private:
  void on_timer() override { call_(); }
  const std::function<void()> call_;
};

}  // namespace

/// All that runs; nothing is begun after stop().
struct RemoteExec::Jobs {
  base::net::Loop& loop;
  rpc::Caller& caller;
  const Options options;
  std::optional<checks::Reaper> reaper{};  // there until stop()
  std::set<std::unique_ptr<Job>> all{};
};

class RemoteExec::Job final : checks::Process::User {
 public:
  Job(Jobs& jobs, ExecEvent event) : jobs_(jobs), event_(std::move(event)) {}
  Job(const Job&) = delete;
  ~Job() override {
    if (process_) process_->release();
    if (!script_.empty()) ::unlink(script_.c_str());
  }

  void start() { fetch(true); }

 private:
  using Written = std::move_only_function<void()>;

  /// What a server has is enough, but for the absence of a job that was written a moment ago.
  void fetch(bool stale) {
    const rpc::Method& method = *rpc::find_method("KVS.Get");
    auto invocation =
        std::static_pointer_cast<rpc::TypedInvocation<rpc::KeyRequest, rpc::IndexedDirEntries>>(method.make());
    invocation->request.Datacenter = jobs_.options.datacenter;
    invocation->request.Key = base::join_path(folder(), kExecJobKey);
    invocation->request.AllowStale = stale;
    invocation->request.Token = jobs_.options.token();
    call(method, invocation, [this, invocation, stale](const Result<>& answered) {
      if (!answered) {
        kLog.error("failed to get remote exec job", {{"error", answered.error()}});
        return end();
      }
      const auto& found = invocation->reply.Entries;
      if (!found.empty() && found[0]) return accept(found[0]->Value);
      if (stale) {
        kLog.debug("trying consistent fetch of remote exec job spec");
        return fetch(false);
      }
      kLog.debug("remote exec aborted, job spec missing");
      end();
    });
  }

  void accept(std::string_view text) {
    if (Result<> read = base::read_json(text, job_); !read) {
      kLog.error("failed to decode remote exec spec", {{"error", read.error()}});
      return end();
    }
    const auto failed = [this](const base::Error& error) {
      kLog.error("failed to ack remote exec job", {{"error", error}});
      end();
    };
    write(kExecAck, {}, [this] { launch(); }, failed);
  }

  void launch() {
    if (Result<> started = start_program(); !started) {
      kLog.debug("failed to start remote exec", {{"error", started.error()}});
      return write_exit(kNotRun);
    }
    pump();
  }

  Result<> start_program() {
    std::vector<std::string> command(job_.Args.begin(), job_.Args.end());
    if (!job_.Script.empty()) {
      Result<std::string> file = write_script(job_.Script);
      if (!file) return file.error();
      script_ = std::move(*file);
    }
    if (command.empty()) command = base::shell_command(script_.empty() ? job_.Command : script_);
    std::string shown;
    for (const std::string& word : command) shown += (shown.empty() ? "" : " ") + word;
    kLog.info("remote exec script", {{"script", shown}});
    Result<std::unique_ptr<checks::Process>> started =
        checks::Process::start(command, jobs_.loop, *jobs_.reaper, *this);
    if (!started) return started.error();
    process_ = std::move(*started);
    return {};
  }

  void output(std::string_view data) override {
    if (unheard_) return;
    while (!data.empty()) {
      const std::string_view part = data.substr(0, kPiece - piece_.size());
      piece_ += part;
      data.remove_prefix(part.size());
      if (piece_.size() == kPiece) pieces_.push_back(std::exchange(piece_, {}));
    }
    if (piece_.empty()) {
      patience_.cancel();
    } else {
      patience_.arm(jobs_.loop, Clock::now() + kPatience);
    }
    if (pieces_.size() >= kMostPieces) process_->pause_output();
    pump();
  }
  void cut_piece() {
    patience_.cancel();
    if (!piece_.empty()) pieces_.push_back(std::exchange(piece_, {}));
    pump();
  }
  void exited(int status) override {
    process_.reset();
    code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (!unheard_) return cut_piece();
    if (!calling_) end();
  }

  /// Writes what there is, in order; when there is nothing, waits for more, or tells the end.
  void pump() {
    if (calling_ || unheard_) return;
    if (!pieces_.empty()) {
      std::string piece = std::move(pieces_.front());
      pieces_.pop_front();
      if (process_ && pieces_.size() < kMostPieces) process_->resume_output();
      return write_output(base::Bytes(std::move(piece)));
    }
    if (!process_) return write_exit(code_);
    if (!heartbeat_.armed()) {
      heartbeat_.arm(jobs_.loop,
                     Clock::now() + std::max<Clock::duration>(std::chrono::nanoseconds(job_.Wait), kLeastWait));
    }
  }

  void write_output(base::Bytes piece) {
    heartbeat_.cancel();
    char number[16];
    std::snprintf(number, sizeof number, "%05x", pieces_written_++);
    const auto failed = [this](const base::Error& error) {
      kLog.error("failed to write output for remote exec job", {{"error", error}});
      // The program runs to its end, as one that nobody listens to.
      unheard_ = true;
      pieces_.clear();
      piece_.clear();
      patience_.cancel();
      if (process_) process_->resume_output();
      write_exit(kNotRun);
    };
    write(base::join_path(kExecOutput, number), std::move(piece), [this] { pump(); }, failed);
  }

  void write_exit(int code) {
    heartbeat_.cancel();
    const auto failed = [this](const base::Error& error) {
      kLog.error("failed to write exit code for remote exec job", {{"error", error}});
      if (!process_) end();
    };
    const auto written = [this] {
      if (!process_) end();
    };
    write(kExecExit, base::Bytes(std::to_string(code)), written, failed);
  }

  void write(std::string_view name, base::Bytes value, Written then,
             std::move_only_function<void(const base::Error&)> failed) {
    const rpc::Method& method = *rpc::find_method("KVS.Apply");
    auto invocation = std::static_pointer_cast<rpc::TypedInvocation<catalog::KVSRequest, bool>>(method.make());
    catalog::KVSRequest& request = invocation->request;
    request.Datacenter = jobs_.options.datacenter;
    request.Token = jobs_.options.token();
    request.Op = "lock";
    request.DirEnt.Key = base::join_path(base::join_path(folder(), jobs_.options.node), name);
    request.DirEnt.Value = std::move(value);
    request.DirEnt.Session = event_.Session;
    call(method, invocation,
         [invocation, then = std::move(then), failed = std::move(failed)](const Result<>& answered) mutable {
           if (!answered) return failed(answered.error());
           if (!invocation->reply) return failed(base::Error{Errc::internal, "write failed"});
           then();
         });
  }

  /// One at a time. `then` may end the job.
  void call(const rpc::Method& method, rpc::InvocationPtr invocation,
            std::move_only_function<void(const Result<>&)> then) {
    calling_ = true;
    running_ = jobs_.caller.call(jobs_.loop, method, std::move(invocation),
                                 [this, then = std::move(then)](const Result<>& answered) mutable {
                                   auto& loop = jobs_.loop;
                                   calling_ = false;
                                   auto dead = std::move(running_);  // what runs now belongs to it
                                   auto now = std::move(then);
                                   now(answered);
                                   loop.post([dead = std::move(dead)] {});
                                 });
  }

  void end() {
    const auto self = std::ranges::find(jobs_.all, this, &std::unique_ptr<Job>::get);
    jobs_.loop.post([dead = std::move(jobs_.all.extract(self).value())] {});
  }

  std::string folder() const { return base::join_path(event_.Prefix, event_.Session); }

  Jobs& jobs_;
  const ExecEvent event_;
  ExecJob job_{};
  std::string script_{};                        // a file that is ours
  std::unique_ptr<checks::Process> process_{};  // null: not begun, or over
  std::string piece_{};                         // is being filled
  std::deque<std::string> pieces_{};            // wait to be written
  unsigned pieces_written_ = 0;                 // or heartbeats
  int code_ = 0;                                // once it is over
  bool unheard_ = false;                        // nothing can be written any more
  CallingTimer patience_{[this] { cut_piece(); }};
  CallingTimer heartbeat_{[this] { write_output({}); }};
  bool calling_ = false;
  std::unique_ptr<rpc::Running> running_{};
};

RemoteExec::RemoteExec(base::net::Loop& loop, rpc::Caller& caller, Options options)
    : loop_(loop), jobs_(std::make_shared<Jobs>(loop, caller, std::move(options))) {
  loop_.run([this] { jobs_->reaper.emplace(loop_); });
}

RemoteExec::~RemoteExec() = default;

void RemoteExec::run(UserEvent event) {
  loop_.post([jobs = jobs_, event = std::move(event)] {
    if (!jobs->reaper) return;
    kLog.debug("received remote exec event", {{"id", event.ID}});
    Result<ExecEvent> asked = base::from_json<ExecEvent>(event.Payload);
    if (!asked) return kLog.error("failed to decode remote exec event", {{"error", asked.error()}});
    auto job = std::make_unique<Job>(*jobs, std::move(*asked));
    Job& begun = *job;
    jobs->all.insert(std::move(job));
    begun.start();
  });
}

void RemoteExec::stop() {
  if (std::exchange(stopped_, true)) return;
  loop_.run([this] {
    jobs_->all.clear();
    jobs_->reaper.reset();
  });
}

}  // namespace proconsul::agent::event
