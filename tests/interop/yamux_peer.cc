// This side of yamux_test.py: an echo server, or a client of one.
//
//   yamux_peer server          listens, prints its address, echoes every stream until its input ends
//   yamux_peer client ADDRESS  opens streams to an echo server and checks what comes back
#include <chrono>
#include <cstdio>
#include <future>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "base/net/socket.h"
#include "base/net/tcp_channel.h"
#include "base/net/yamux_session.h"

using namespace proconsul::base::net;
using proconsul::base::Error;
using proconsul::base::Result;

namespace {

struct Echo final : Channel::User {
  explicit Echo(ChannelPtr to) : channel(std::move(to)) { channel->set_user(this); }
  void received(std::string_view data) override {
    channel->send(data);
    channel->consumed(data.size());
  }
  void finished() override { channel->finish(); }
  void ended(const Error&) override {}
  ChannelPtr channel;
};

int serve() {
  Loops loops(1);
  Loop& loop = loops[0];
  Result<Fd> listener = listen_tcp("127.0.0.1", 0);
  if (!listener) return 1;
  std::printf("%s\n", local_name(listener->get()).c_str());
  std::fflush(stdout);
  std::list<Echo> echoes;
  std::vector<std::shared_ptr<YamuxSession>> sessions;
  std::unique_ptr<Acceptor> acceptor;
  loop.run([&] {
    acceptor = std::make_unique<Acceptor>(loop, std::move(*listener), [&](Fd fd) {
      sessions.push_back(
          YamuxSession::start(loop, TcpChannel::adopt(loop, std::move(fd)), {},
                              {.incoming = [&](ChannelPtr stream) { echoes.emplace_back(std::move(stream)); }}));
    });
  });
  while (std::getchar() != EOF) {
  }
  loop.run([&] {
    acceptor.reset();
    echoes.clear();
    sessions.clear();
  });
  return 0;
}

struct Asker final : Channel::User {
  Asker(ChannelPtr to, std::string text) : channel(std::move(to)), sent(std::move(text)) {
    channel->set_user(this);
    channel->send(sent);
    channel->finish();
  }
  void received(std::string_view data) override {
    got += data;
    channel->consumed(data.size());
  }
  void finished() override { done.set_value(got == sent); }
  void ended(const Error& reason) override {
    std::fprintf(stderr, "%s\n", reason.detail.c_str());
    done.set_value(false);
  }
  ChannelPtr channel;
  std::string sent, got;
  std::promise<bool> done;
};

int ask(const std::string& address) {
  Loops loops(1);
  Loop& loop = loops[0];
  std::unique_ptr<Attempt> attempt;
  std::shared_ptr<YamuxSession> session;
  std::list<Asker> askers;
  std::promise<bool> connected;
  loop.run([&] {
    attempt = connect(loop, {.address = address}, Clock::now() + std::chrono::seconds(10),
                      [&](Result<std::shared_ptr<TcpChannel>> channel) {
                        if (channel) session = YamuxSession::start(loop, std::move(*channel), {.is_client = true}, {});
                        connected.set_value(channel.has_value());
                      });
  });
  bool fine = connected.get_future().get();
  std::vector<std::future<bool>> answers;
  if (fine) {
    loop.run([&] {
      for (int i = 0; i < 400; ++i) {
        std::string text(i % 40 == 0 ? 3'000'000 : 1 + i, '\0');
        for (std::size_t at = 0; at < text.size(); ++at) text[at] = static_cast<char>(at * 31 + at / 251 + i);
        answers.push_back(askers.emplace_back(*session->open(), std::move(text)).done.get_future());
      }
    });
  }
  for (std::future<bool>& answer : answers) fine &= answer.get();
  loop.run([&] {
    if (session && session->streams() != 0) fine = false;
    askers.clear();
    session.reset();
    attempt.reset();
  });
  std::puts(fine ? "ok" : "failed");
  return fine ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> words(arguments + 1, arguments + count);
  if (words.size() == 1 && words[0] == "server") return serve();
  if (words.size() == 2 && words[0] == "client") return ask(words[1]);
  std::fputs("usage: yamux_peer server | yamux_peer client ADDRESS\n", stderr);
  return 2;
}
