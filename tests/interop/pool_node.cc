// A node of a gossip pool that does what its standard input says and tells what it hears, a line each; for tests with
// other programs.
//
//   pool_node NAME [key=BASE64] [snapshot=FILE] [keyring=FILE] [port=N] [timing=local|lan] [TAG=VALUE ...]
//   > join 127.0.0.1:7946      < join: 1
//   > event NAME PAYLOAD       < event: ok
//   > members                  < member NAME STATUS ADDRESS:PORT TAG=VALUE,...  (one each, then "members: N")
#include <cstdio>
#include <future>
#include <iostream>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include "gossip/ip_text.h"
#include "gossip/pool.h"
#include "gossip/serf/keyring_file.h"

namespace {

namespace base = proconsul::base;
namespace gossip = proconsul::gossip;
namespace serf = proconsul::gossip::serf;
namespace swim = proconsul::gossip::swim;

void say(const std::string& line) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  std::cout << line << std::endl;
}

std::string outcome(const base::Result<>& result) {
  return result ? "ok" : result.error().detail;
}

class Application final : public gossip::PoolHandler {
 public:
  void member_event(const serf::MemberEvent& event) override {
    for (const serf::MemberPtr& member : event.members) {
      say("heard " + std::string(to_string(event.type)) + " " + member->Name);
    }
  }
  void user_event(const serf::UserEventMessage& event) override {
    say("heard user " + event.Name + " " + event.Payload);
  }
  void query(serf::IncomingQuery query) override {
    say("heard query " + query.name + " " + query.payload);
    const std::string answer = "answer of " + pool->view()->local_name;
    pool->respond(std::move(query), base::Bytes(answer),
                  [](const base::Result<>& sent) { say("respond: " + outcome(sent)); });
  }
  gossip::Pool* pool = nullptr;
};

/// Calls `start` with what is to be called back, and waits for that.
template <class T, class Start>
T await(Start start) {
  std::promise<T> promise;
  start([&promise](T value) { promise.set_value(std::move(value)); });
  return promise.get_future().get();
}

void show_members(const gossip::Pool& pool) {
  const gossip::PoolViewPtr view = pool.view();
  for (const auto& [name, member] : view->members.all()) {
    std::string line = "member " + std::string(name) + " " + std::string(to_string(member->Status)) + " " +
                       swim::to_string({.ip = member->Addr, .port = member->Port}) + " ";
    for (const auto& [tag, value] : member->Tags) line += tag + "=" + value + ",";
    say(line);
  }
  say("members: " + std::to_string(view->members.size()));
}

void run_query(gossip::Pool& pool, const std::string& name, std::uint8_t relay_factor) {
  const auto finished = std::make_shared<std::promise<void>>();
  serf::QuerySinks sinks;
  sinks.acked = [](const std::string& from) { say("ack " + from); };
  sinks.answered = [](const std::string& from, const base::Bytes& payload) { say("answer " + from + " " + payload); };
  sinks.finished = [finished] { finished->set_value(); };
  const auto asked = await<base::Result<serf::QueryHandle>>([&](auto done) {
    pool.query(name, {}, {.request_ack = true, .relay_factor = relay_factor}, std::move(sinks), std::move(done));
  });
  if (asked) finished->get_future().wait();
  say("query: " + (asked ? "ok" : asked.error().detail));
}

void run_key_operation(gossip::Pool& pool, const std::string& what, const std::string& key) {
  const serf::KeyOperation operation = what == "install"  ? serf::KeyOperation::install
                                       : what == "use"    ? serf::KeyOperation::use
                                       : what == "remove" ? serf::KeyOperation::remove
                                                          : serf::KeyOperation::list;
  const auto result =
      await<serf::KeyResult>([&](auto done) { pool.key_operation(operation, key, 0, std::move(done)); });
  for (const auto& [node, message] : result.messages) say("message " + node + " " + message);
  for (const auto& [listed, count] : result.keys) say("key " + listed + " " + std::to_string(count));
  for (const auto& [listed, count] : result.primary_keys) say("primary " + listed + " " + std::to_string(count));
  say("key: " + (result.error.empty() ? "ok" : result.error));
}

base::Map<std::string> tags_of(std::istream& words) {
  base::Map<std::string> tags;
  std::string word;
  while (words >> word) {
    const std::size_t equals = word.find('=');
    if (equals != std::string::npos) tags[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return tags;
}

void obey(gossip::Pool& pool, const std::string& line) {
  std::istringstream words(line);
  std::string command, one, two;
  words >> command;
  using Done = base::Result<>;
  if (command == "join") {
    words >> one;
    const auto address = gossip::parse_address(one);
    const auto joined = await<base::Result<swim::JoinOutcome>>(
        [&](auto done) { pool.join({address.value()}, false, std::move(done)); });
    say("join: " + (joined ? std::to_string(joined->joined) : joined.error().detail));
    if (joined) {
      for (const std::string& error : joined->errors) say("error " + error);
    }
  } else if (command == "event") {
    words >> one >> two;
    say("event: " +
        outcome(await<Done>([&](auto done) { pool.user_event(one, base::Bytes(two), false, std::move(done)); })));
  } else if (command == "query") {
    int relay = 0;
    words >> one >> relay;
    run_query(pool, one, static_cast<std::uint8_t>(relay));
  } else if (command == "tags") {
    say("tags: " + outcome(await<Done>([&](auto done) { pool.set_tags(tags_of(words), std::move(done)); })));
  } else if (command == "key") {
    words >> one >> two;
    run_key_operation(pool, one, two);
  } else if (command == "force-leave") {
    words >> one >> two;
    say("force-leave: " +
        outcome(await<Done>([&](auto done) { pool.force_leave(one, two == "prune", std::move(done)); })));
  } else if (command == "leave") {
    say("leave: " + outcome(await<Done>([&](auto done) { pool.leave(std::move(done)); })));
  } else if (command == "members") {
    show_members(pool);
  } else if (command == "stats") {
    for (const auto& [name, value] : pool.stats().texts()) say("stat " + name + " " + value);
    say("stats: ok");
  } else {
    say("unknown: " + line);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::ostringstream rest;
  gossip::PoolConfig config;
  config.settings.node_name = argc > 1 ? argv[1] : "node";
  config.settings.timing = swim::Timing::local();
  std::string key;
  for (int i = 2; i < argc; ++i) {
    const std::string argument = argv[i];
    const std::string value = argument.substr(argument.find('=') + 1);
    if (argument.starts_with("key=")) {
      key = value;
    } else if (argument.starts_with("snapshot=")) {
      config.snapshot_file = value;
    } else if (argument.starts_with("keyring=")) {
      config.keyring_file = value;
    } else if (argument.starts_with("port=")) {
      config.bind_port = static_cast<std::uint16_t>(std::stoi(value));
    } else if (argument == "timing=lan") {
      config.settings.timing = swim::Timing::lan();
    } else {
      rest << argument << ' ';
    }
  }
  std::istringstream tags(rest.str());
  config.settings.tags = tags_of(tags);
  if (!key.empty()) {
    auto ring = config.keyring_file.empty() ? serf::keyring_of(key) : serf::open_keyring(config.keyring_file, key);
    if (!ring) {
      say("start: " + ring.error().detail);
      return 1;
    }
    config.keyring = std::move(*ring);
  }
  base::net::Loops loops(1);
  Application application;
  // The first events come when the pool has been returned: nothing runs on its loop until then.
  std::unique_ptr<gossip::Pool> pool;
  loops[0].run([&] {
    auto started = gossip::Pool::start(loops[0], std::move(config), application);
    if (!started) return say("start: " + started.error().detail);
    pool = std::move(*started);
    application.pool = pool.get();
  });
  if (!pool) return 1;
  say("start: " + std::to_string(pool->port()));
  std::string line;
  while (std::getline(std::cin, line)) obey(*pool, line);
  return 0;
}
