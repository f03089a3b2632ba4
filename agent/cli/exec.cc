// exec.
#include <cctype>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <set>
#include <thread>
#include <variant>

#include "agent/cli/api_types.h"
#include "agent/cli/client_flags.h"
#include "agent/cli/commands.h"
#include "agent/cli/files.h"
#include "agent/cli/kept_session.h"
#include "agent/cli/kv_client.h"
#include "agent/cli/signals.h"
#include "agent/cli/user_event.h"
#include "agent/event/exec_job.h"
#include "agent/watch/types.h"
#include "base/path.h"
#include "base/strconv.h"

namespace proconsul::agent::cli {

namespace {

using base::Errc;
using base::Result;
using event::ExecEvent;
using event::ExecJob;
using Clock = std::chrono::steady_clock;

constexpr int kNodeFailed = 2;  // exit code
constexpr base::Duration kSessionTtl = base::seconds(15);
// Ends of the keys of answers.
const std::string kAck = '/' + std::string(event::kExecAck);
const std::string kExit = '/' + std::string(event::kExecExit);
const std::string kOutput = '/' + std::string(event::kExecOutput) + '/';

constexpr Flag kExecFlags[] = {
    kEventFilterFlags[0],
    kEventFilterFlags[1],
    kEventFilterFlags[2],
    {.name = "prefix",
     .kind = FlagKind::text,
     .help = "Key prefix below which job and answers are kept meanwhile.",
     .default_value = "_rexec"},
    {.name = "shell",
     .kind = FlagKind::boolean,
     .help = "Run the command by a shell; -shell=false runs it itself.",
     .default_value = "true"},
    {.name = "verbose", .kind = FlagKind::boolean, .help = "Say each step."},
    {.name = "wait",
     .kind = FlagKind::duration,
     .help = "How long nothing may happen before it counts as over; twice that while nodes are known to work.",
     .default_value = "2s"},
    {.name = "wait-repl",
     .kind = FlagKind::duration,
     .help = "How long to wait before the event is fired, so that all servers know of the job.",
     .default_value = "200ms"},
};

// What a node did.
struct Ack {};
struct Heartbeat {};
struct Output {
  std::string text{};
};
struct Ended {
  std::int64_t code{};
};
struct Complaint {  // of ours, not of a node
  std::string text{};
};
struct News {
  std::string node{};
  std::variant<Ack, Heartbeat, Output, Ended, Complaint> what{};
};

// Hands news from the reading thread to the waiting one.
class Inbox {
 public:
  void put(News news) {
    const std::lock_guard lock(mutex_);
    news_.push_back(std::move(news));
    changed_.notify_all();
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  enum class Got { news, quiet, closed };
  Got take(base::Duration wait, News& news) {
    std::unique_lock lock(mutex_);
    const bool any =
        changed_.wait_for(lock, std::chrono::nanoseconds(wait.nanoseconds), [&] { return closed_ || !news_.empty(); });
    if (news_.empty()) return any ? Got::closed : Got::quiet;
    news = std::move(news_.front());
    news_.pop_front();
    return Got::news;
  }

 private:
  std::mutex mutex_{};
  std::condition_variable changed_{};
  std::deque<News> news_{};
  bool closed_{};
};

class Execution {
 public:
  Execution(const Context& context, ApiConfig config) : context_(context), config_(std::move(config)) {}
  int run(ApiClient& client, ExecJob job, const UserEventFilter& filter, const AgentSelf& self);

 private:
  Result<std::string> session_body(ApiClient& client, const AgentSelf& self);
  int upload_and_wait(ApiClient& client, const ExecJob& job, const UserEventFilter& filter);
  int wait_for_nodes();
  void read_answers(ApiClient client);
  void read_answer(ApiClient& client, const std::string& key);
  std::optional<std::string> value_of(ApiClient& client, const std::string& key);
  // The streams belong to the thread that waits.
  void complain(std::string text) { inbox_.put({.what = Complaint{std::move(text)}}); }
  std::string folder() const { return base::join_path(context_.flags.text("prefix"), session_->id()); }
  void say(const std::string& text) const {
    if (context_.flags.boolean("verbose")) context_.ui.output(text);
  }
  void tell(std::string_view arrow, const std::string& node, std::string_view text) const;

  const Context& context_;
  const ApiConfig config_;
  base::Interrupt stop_{};
  std::unique_ptr<KeptSession> session_{};
  Inbox inbox_{};
};

// Every line with the node's name before it.
void Execution::tell(std::string_view arrow, const std::string& node, std::string_view text) const {
  std::string out;
  while (true) {
    const std::size_t end = text.find('\n');
    out += std::string(arrow) + ' ' + node + ": " + std::string(text.substr(0, end)) + '\n';
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  while (!out.empty() && std::isspace(static_cast<unsigned char>(out.back())) != 0) out.pop_back();
  context_.ui.output(out);
  context_.ui.out.flush();
}

// The agent cannot hold a session in another datacenter, but a server there can.
Result<std::string> Execution::session_body(ApiClient& client, const AgentSelf& self) {
  const std::string ttl = base::to_string(kSessionTtl);
  const std::string& datacenter = context_.flags.text("datacenter");
  if (datacenter.empty() || datacenter == self.Config.Datacenter) {
    return base::to_json(SessionRequest{.Name = "Remote Exec", .TTL = ttl, .Behavior = "delete"});
  }
  say("Remote exec in foreign datacenter, using Session TTL");
  ApiRequest request = client.request("GET", "/v1/health/service/consul");
  request.set("passing", "1");
  const std::string failed = "Failed to find Consul server in remote datacenter";
  const auto servers = client.fetch<base::List<watch::ServiceEntry>>(request);
  if (!servers) return {servers.error().code, failed + ": " + servers.error().detail};
  if (servers->empty() || !servers->front().Node) return {Errc::not_found, failed};
  const std::string& node = servers->front().Node->Node;
  say("Binding session to remote node " + node + '@' + datacenter);
  return base::to_json(SessionRequest{.Name = "Remote Exec via " + self.Config.NodeName + '@' + self.Config.Datacenter,
                                      .Node = node,
                                      .TTL = ttl,
                                      .Behavior = "delete",
                                      .NodeChecks = base::List<std::string>().make_present()});
}

std::optional<std::string> Execution::value_of(ApiClient& client, const std::string& key) {
  const auto pairs = read_kv<base::List<KvPair>>(client, client.request("GET", "/v1/kv/" + key));
  if (pairs && !pairs->value.empty()) return pairs->value.front().Value;
  if (!stop_.raised()) {
    complain("Failed to read key '" + key + "': " + (pairs ? "<nil>" : pairs.error().detail));
  }
  return std::nullopt;
}

void Execution::read_answer(ApiClient& client, const std::string& key) {
  const std::string_view name = std::string_view(key).substr(folder().size() + 1);
  const auto node = [&](std::size_t end) { return std::string(name.substr(0, end)); };
  if (name == event::kExecJobKey) return;
  if (name.ends_with(kAck)) return inbox_.put({.node = node(name.size() - kAck.size()), .what = Ack{}});
  if (name.ends_with(kExit)) {
    const std::optional<std::string> value = value_of(client, key);
    if (!value) return;
    const Result<std::int64_t> code = base::parse_int(*value, 10, 32);
    if (!code) return complain("Failed to parse exit code '" + *value + "': " + code.error().detail);
    return inbox_.put({.node = node(name.size() - kExit.size()), .what = Ended{*code}});
  }
  if (const std::size_t at = name.rfind(kOutput); at != std::string_view::npos) {
    std::optional<std::string> value = value_of(client, key);
    if (!value) return;
    if (value->empty()) return inbox_.put({.node = node(at), .what = Heartbeat{}});
    return inbox_.put({.node = node(at), .what = Output{std::move(*value)}});
  }
  complain("Unknown key '" + std::string(name) + "', ignoring.");
}

void Execution::read_answers(ApiClient client) {
  const std::string prefix = folder() + '/';
  const std::int64_t wait_ms = context_.flags.duration("wait").nanoseconds / 1'000'000;
  std::set<std::string> seen;
  std::uint64_t index = 0;
  while (!stop_.raised()) {
    ApiRequest request = client.request("GET", "/v1/kv/" + prefix);
    request.set("keys", "");
    if (wait_ms > 0) request.set("wait", std::to_string(wait_ms) + "ms");
    if (index != 0) request.set("index", std::to_string(index));
    const auto keys = read_kv<base::List<std::string>>(client, request);
    if (stop_.raised()) return;
    if (!keys) {
      complain("Failed to read results: " + keys.error().detail);
      return inbox_.close();
    }
    if (keys->index == index) continue;
    index = keys->index;
    for (const std::string& key : keys->value) {
      if (key.starts_with(prefix) && seen.insert(key).second) read_answer(client, key);
    }
  }
}

int Execution::wait_for_nodes() {
  const Clock::time_point start = Clock::now();
  const base::Duration wait = context_.flags.duration("wait");
  const bool verbose = context_.flags.boolean("verbose");
  std::int64_t acknowledged = 0;
  std::int64_t ended = 0;
  bool failed = false;
  while (true) {
    News news;
    const base::Duration patience{acknowledged > ended ? 2 * wait.nanoseconds : wait.nanoseconds};
    const Inbox::Got got = inbox_.take(patience, news);
    if (got == Inbox::Got::closed) return 1;
    if (got == Inbox::Got::quiet) break;
    if (std::holds_alternative<Ack>(news.what)) {
      ++acknowledged;
      if (verbose) tell("==>", news.node, "acknowledged");
    } else if (std::holds_alternative<Heartbeat>(news.what)) {
      if (verbose) tell("==>", news.node, "heartbeat received");
    } else if (const Output* output = std::get_if<Output>(&news.what)) {
      tell("   ", news.node, output->text);
    } else if (const Complaint* complaint = std::get_if<Complaint>(&news.what)) {
      context_.ui.error(complaint->text);
    } else if (const Ended* end = std::get_if<Ended>(&news.what)) {
      ++ended;
      tell("==>", news.node, "finished with exit code " + std::to_string(end->code));
      failed = failed || end->code != 0;
    }
  }
  context_.ui.output(std::to_string(ended) + " / " + std::to_string(acknowledged) +
                     " node(s) completed / acknowledged");
  char seconds[64];
  std::snprintf(seconds, sizeof seconds, "%.2f", std::chrono::duration<double>(Clock::now() - start).count());
  say("Completed in " + std::string(seconds) + " seconds");
  return failed || ended < acknowledged ? kNodeFailed : 0;
}

int Execution::upload_and_wait(ApiClient& client, const ExecJob& job, const UserEventFilter& filter) {
  const std::string key = folder() + '/' + std::string(event::kExecJobKey);
  ApiRequest upload = client.request("PUT", "/v1/kv/" + key);
  upload.set("acquire", session_->id());
  upload.body = base::to_json(job);
  const Result<bool> uploaded = write_kv(client, std::move(upload), key);
  if (!uploaded) return fail(context_, "Failed to create job file: " + uploaded.error().detail);
  if (!*uploaded) return fail(context_, "Failed to create job file: failed to acquire key " + key);
  say("Uploaded remote execution spec");
  if (!stop_.sleep(context_.flags.duration("wait-repl"))) return 1;
  const Result<std::string> id =
      fire_event(client, std::string(event::kExecEventName), filter,
                 base::to_json(ExecEvent{.Prefix = context_.flags.text("prefix"), .Session = session_->id()}));
  if (!id) return fail(context_, "Failed to fire event: " + id.error().detail);
  say("Fired remote execution event: " + *id);

  ApiConfig reading = config_;
  reading.interrupt = &stop_;
  Result<ApiClient> reader = ApiClient::make(std::move(reading));
  if (!reader) return fail(context_, "Error connecting to Consul agent: " + reader.error().detail);
  std::thread thread([this, own = std::move(*reader)]() mutable { read_answers(std::move(own)); });
  const int code = wait_for_nodes();
  stop_.raise();
  thread.join();
  return code;
}

int Execution::run(ApiClient& client, ExecJob job, const UserEventFilter& filter, const AgentSelf& self) {
  const Signals signals([this](int) {
    stop_.raise();
    inbox_.close();
  });
  Result<std::string> body = session_body(client, self);
  if (!body) return fail(context_, "Failed to create session: " + body.error().detail);
  auto session = KeptSession::create(client, config_, std::move(*body), kSessionTtl);
  if (!session) return fail(context_, "Failed to create session: " + session.error().detail);
  session_ = std::move(*session);
  say("Created remote execution session: " + session_->id());
  const int code = upload_and_wait(client, job, filter);

  // Without the session no agent can add anything to what is deleted then.
  (void)session_->destroy();
  ApiRequest clean = client.request("DELETE", "/v1/kv/" + folder());
  clean.set("recurse", "");
  if (const Result<ApiResponse> cleaned = client.call(clean); !cleaned) {
    say("Failed to delete the job: " + cleaned.error().detail);
  }
  return code;
}

int run_exec(const Context& context) {
  ExecJob job{.Wait = context.flags.duration("wait").nanoseconds};
  std::string command;
  for (const std::string& word : context.arguments) command += (command.empty() ? "" : " ") + word;
  const bool shell = context.flags.boolean("shell");
  if (command == "-") {
    if (!shell) return fail(context, "Cannot configure -shell=false when reading from stdin");
    job.Script = base::Bytes(read_all(context.ui.in));
  } else if (shell) {
    job.Command = std::move(command);
  } else {
    job.Args = base::List<std::string>(context.arguments);
  }
  if (job.Command.empty() && job.Args.empty() && job.Script.empty()) {
    return fail_with_help(context, "Must specify a command to execute");
  }
  const Result<UserEventFilter> filter = event_filter(context);
  if (!filter) return fail(context, filter.error().detail);
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const auto self = client->fetch<AgentSelf>(client->request("GET", "/v1/agent/self"));
  if (!self) return fail(context, "Error querying Consul agent: " + self.error().detail);
  Result<ApiConfig> config = client_config(context);
  if (!config) return fail(context, "Error connecting to Consul agent: " + config.error().detail);
  return Execution(context, std::move(*config)).run(*client, std::move(job), *filter, *self);
}

constexpr Command kCommands[] = {
    {.name = "exec",
     .synopsis = "Run a command on other nodes",
     .usage = "exec [options] [-|COMMAND...]",
     .help = R"(  Tells the agents by an event to run a command, and shows what it prints there. With -
  the command is a script from standard input. Only agents whose configuration says
  disable_remote_exec=false take part. The exit code is 2 if any of them failed.

      $ consul exec -service=web uptime)",
     .flags = {kExecFlags, kClientFlags, kServerFlags},
     .run = run_exec},
};

}  // namespace

std::span<const Command> exec_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
