#include "base/net/yamux_session.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <future>
#include <list>

#include "base/net/socket.h"
#include "base/net/tcp_channel.h"

namespace proconsul::base::net {
namespace {

using namespace std::chrono_literals;

/// Sends back what it gets and finishes when its peer does.
struct Echo : Channel::User {
  explicit Echo(ChannelPtr to) : channel(std::move(to)) { channel->set_user(this); }
  void received(std::string_view data) override {
    channel->send(data);
    channel->consumed(data.size());
  }
  void finished() override { channel->finish(); }
  void ended(const Error& reason) override { why = reason.detail; }
  ChannelPtr channel;
  std::string why;
};

/// Collects until the peer finishes.
struct Collector : Channel::User {
  explicit Collector(ChannelPtr from) : channel(std::move(from)) { channel->set_user(this); }
  void received(std::string_view data) override {
    bytes += data;
    channel->consumed(data.size());
  }
  void finished() override { done.set_value(bytes); }
  void ended(const Error& reason) override { done.set_value("ended: " + reason.detail); }
  ChannelPtr channel;
  std::string bytes;
  std::promise<std::string> done;
};

/// A connection that counts what is written to it, and leads nowhere.
struct Counted : Channel {
  void set_user(User*) override {}
  void send(std::string_view data) override {
    ++writes;
    bytes += data;
  }
  std::size_t unsent() const override { return 0; }
  void consumed(std::size_t) override {}
  void finish() override {}
  void close() override { over = true; }
  bool closed() const override { return over; }
  int writes = 0;
  std::string bytes;
  bool over = false;
};

class YamuxSessionTest : public testing::Test {
 protected:
  void SetUp() override {
    Result<Fd> listener = listen_tcp("127.0.0.1", 0);
    ASSERT_TRUE(listener);
    address_ = local_name(listener->get());
    loop().run([&] {
      acceptor_ = std::make_unique<Acceptor>(loop(), std::move(*listener), [this](Fd fd) {
        server_ =
            YamuxSession::start(loop(), TcpChannel::adopt(loop(), std::move(fd)), {},
                                {.incoming = [this](ChannelPtr stream) { echoes_.emplace_back(std::move(stream)); }});
      });
    });
    std::promise<Result<std::shared_ptr<TcpChannel>>> connected;
    loop().run([&] {
      attempt_ = connect(loop(), {.address = address_}, Clock::now() + 10s,
                         [&](Result<std::shared_ptr<TcpChannel>> result) { connected.set_value(std::move(result)); });
    });
    Result<std::shared_ptr<TcpChannel>> channel = connected.get_future().get();
    ASSERT_TRUE(channel) << channel.error().detail;
    loop().run([&] {
      client_ = YamuxSession::start(loop(), std::move(*channel), {.is_client = true},
                                    {.ended = [this](const Error& reason) { ended_.set_value(reason.detail); }});
    });
  }
  void TearDown() override {
    loop().run([&] {
      collectors_.clear();
      echoes_.clear();
      client_.reset();
      server_.reset();
      acceptor_.reset();
      attempt_.reset();
    });
  }
  Loop& loop() { return loops_[0]; }

  Loops loops_{1};
  std::string address_;
  std::unique_ptr<Acceptor> acceptor_;
  std::unique_ptr<Attempt> attempt_;
  std::shared_ptr<YamuxSession> client_, server_;
  std::list<Echo> echoes_;
  std::list<Collector> collectors_;
  std::promise<std::string> ended_;
};

TEST_F(YamuxSessionTest, ManyStreamsCarryMoreThanTheirWindows) {
  std::vector<std::string> sent;
  std::vector<std::future<std::string>> got;
  loop().run([&] {
    for (int i = 0; i < 300; ++i) {
      Result<ChannelPtr> stream = client_->open();
      ASSERT_TRUE(stream);
      sent.emplace_back(i % 50 == 0 ? 1'000'000 : 100 + i, static_cast<char>('a' + i % 26));
      (*stream)->send(sent.back());
      (*stream)->finish();
      got.push_back(collectors_.emplace_back(std::move(*stream)).done.get_future());
    }
  });
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_TRUE(got[i].get() == sent[i]) << i;
  loop().run([&] {
    EXPECT_EQ(client_->streams(), 0u);
    EXPECT_EQ(server_->streams(), 0u);
  });
}

TEST_F(YamuxSessionTest, AConnectionThatBreaksEndsEveryStreamAtOnce) {
  std::future<std::string> got;
  loop().run([&] { got = collectors_.emplace_back(*client_->open()).done.get_future(); });
  loop().run([&] { server_->close(); });
  EXPECT_EQ(got.get(), "ended: EOF");
  EXPECT_EQ(ended_.get_future().get(), "EOF");
  loop().run([&] { EXPECT_FALSE(client_->open()); });
}

TEST_F(YamuxSessionTest, AStreamThatIsDroppedIsResetAtItsPeer) {
  std::future<std::string> got;
  loop().run([&] {
    got = collectors_.emplace_back(*client_->open()).done.get_future();
    collectors_.back().channel->send("x");
  });
  while ([&] {
    bool there = false;
    loop().run([&] { there = !collectors_.back().bytes.empty(); });
    return !there;
  }()) {
  }
  loop().run([&] { echoes_.clear(); });
  EXPECT_EQ(got.get(), "ended: connection reset");
}

TEST(YamuxSession, WhatManyStreamsSendInOneRoundIsOneWrite) {
  Loops loops(1);
  auto connection = std::make_shared<Counted>();
  std::shared_ptr<YamuxSession> session;
  std::vector<ChannelPtr> streams;
  loops[0].run([&] {
    session = YamuxSession::start(loops[0], connection, {.is_client = true}, {});
    for (int i = 0; i < 20; ++i) {
      Result<ChannelPtr> stream = session->open();
      ASSERT_TRUE(stream);
      (*stream)->send("question " + std::to_string(i));
      streams.push_back(std::move(*stream));
    }
    streams.pop_back();  // what a dropped one sent goes, too
  });
  loops[0].run([&] {
    EXPECT_LE(connection->writes, 2);
    EXPECT_NE(connection->bytes.find("question 0"), std::string::npos);
    EXPECT_NE(connection->bytes.find("question 19"), std::string::npos);
    streams.clear();
    session->close();
    session.reset();
  });
}

TEST_F(YamuxSessionTest, WhatIsSentBeforeTheSessionClosesArrives) {
  loop().run([&] {
    Result<ChannelPtr> stream = client_->open();
    ASSERT_TRUE(stream);
    (*stream)->send("a");
    collectors_.emplace_back(std::move(*stream));
  });
  for (bool there = false; !there;) loop().run([&] { there = collectors_.front().bytes == "a"; });
  std::future<std::string> done = collectors_.front().done.get_future();
  loop().run([&] {
    echoes_.front().channel->send("b");
    server_->close();
  });
  EXPECT_TRUE(done.get().starts_with("ended"));
  loop().run([&] { EXPECT_EQ(collectors_.front().bytes, "ab"); });
}

TEST(TcpChannel, ARefusedConnectionHasGosText) {
  Loops loops(1);
  Result<Fd> listener = listen_tcp("127.0.0.1", 0);
  const std::string address = local_name(listener->get());
  listener->reset();
  std::promise<std::string> error;
  std::unique_ptr<Attempt> attempt;
  loops[0].run([&] {
    attempt = connect(loops[0], {.address = address}, Clock::now() + 10s,
                      [&](Result<std::shared_ptr<TcpChannel>> result) { error.set_value(result.error().detail); });
  });
  EXPECT_EQ(error.get_future().get(), "dial tcp " + address + ": connect: connection refused");
  loops[0].run([&] { attempt.reset(); });
}

}  // namespace
}  // namespace proconsul::base::net
