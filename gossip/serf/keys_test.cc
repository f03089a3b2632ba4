#include "gossip/serf/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "base/base64.h"
#include "gossip/serf/fake_membership.h"
#include "gossip/serf/keyring_file.h"

namespace proconsul::gossip::serf {
namespace {

using base::Bytes;

Keyring ring_of(std::initializer_list<char> keys) {
  Keyring ring;
  for (const char key : keys) EXPECT_TRUE(ring.add(std::string(32, key)));
  return ring;
}
std::string base64_key(char key) {
  return base::to_base64(std::string(32, key));
}

/// What another node would answer.
void answer(LoneNode& asker, const std::string& from, const KeyResponse& response) {
  const std::string message = asker.queued().at(0);
  const Query asked = decode<Query>(std::string_view(message).substr(1)).value();
  asker.hear(MessageType::query_response, QueryResponse{.LTime = asked.LTime,
                                                        .ID = asked.ID,
                                                        .From = from,
                                                        .Payload = Bytes(encode(MessageType::key_response, response))});
}

TEST(SerfKeys, AKeyIsInstalledUsedAndRemovedByEverybody) {
  Keyring ring = ring_of({'a'});
  LoneNode self({}, &ring);
  std::vector<std::string> errors;
  const auto note = [&](const KeyResult& result) { errors.push_back(result.error); };

  self.serf->key_operation(KeyOperation::install, base64_key('b'), 0, note);
  self.serf->key_operation(KeyOperation::use, base64_key('b'), 0, note);
  self.serf->key_operation(KeyOperation::remove, base64_key('a'), 0, note);
  self.serf->key_operation(KeyOperation::remove, base64_key('b'), 0, note);
  for (int i = 0; i < 10; ++i) self.settle();

  EXPECT_THAT(errors, testing::ElementsAre("", "", "", "1/1 nodes reported failure"));
  EXPECT_EQ(ring.keys(), std::vector<std::string>{std::string(32, 'b')});
}

TEST(SerfKeys, TheListCountsWhoHasWhat) {
  Keyring ring = ring_of({'a', 'b'});
  LoneNode self({}, &ring);
  self.add("other", 2);
  std::optional<KeyResult> result;

  self.serf->key_operation(KeyOperation::list, "", 0, [&](KeyResult got) { result = std::move(got); });
  self.settle();
  EXPECT_FALSE(result);
  answer(self, "other", {.Result = true, .Keys = {base64_key('b')}, .PrimaryKey = base64_key('b')});

  ASSERT_TRUE(result) << "everybody answered: the rest of the time need not pass";
  EXPECT_EQ(result->error, "");
  EXPECT_EQ(result->nodes, 2);
  EXPECT_EQ(result->responses, 2);
  EXPECT_EQ(result->keys, (std::map<std::string, int>{{base64_key('a'), 1}, {base64_key('b'), 2}}));
  EXPECT_EQ(result->primary_keys, (std::map<std::string, int>{{base64_key('a'), 1}, {base64_key('b'), 1}}));
  EXPECT_TRUE(result->messages.empty());
}

TEST(SerfKeys, WhatWentWrongIsSaidByNode) {
  LoneNode self;
  self.add("other", 2);
  self.add("silent", 3);
  std::optional<KeyResult> result;

  self.serf->key_operation(KeyOperation::install, base64_key('b'), 0, [&](KeyResult got) { result = std::move(got); });
  self.settle();
  answer(self, "other", {.Result = true, .Message = "by the way"});
  self.pass(base::seconds(10));

  EXPECT_EQ(result->error, "1/3 nodes reported failure");
  EXPECT_EQ(result->messages, (std::map<std::string, std::string>{
                                  {"self", "No keyring to modify (encryption not enabled)"}, {"other", "by the way"}}));
}

TEST(SerfKeys, WhoSaysNothingOrNonsenseIsCounted) {
  Keyring ring = ring_of({'a'});
  LoneNode self({}, &ring);
  self.add("silent", 2);
  std::optional<KeyResult> result;
  const auto take = [&](KeyResult got) { result = std::move(got); };

  self.serf->key_operation(KeyOperation::list, "", 0, take);
  self.pass(base::seconds(10));
  EXPECT_EQ(result->error, "1/2 nodes reported success");

  self.serf->key_operation(KeyOperation::install, "no base64!", 0, take);
  EXPECT_EQ(result->error, "illegal base64 data at input byte 2");
  EXPECT_EQ(self.serf->stats().query_time, 2u) << "nobody was asked";
}

TEST(SerfKeys, NobodyIsAskedBeforeTheChangeBeforeIsDone) {
  Keyring ring = ring_of({'a'});
  LoneNode self({}, &ring);
  self.add("silent", 2);
  int done = 0;

  self.serf->key_operation(KeyOperation::install, base64_key('b'), 0, [&](const KeyResult&) { ++done; });
  self.serf->key_operation(KeyOperation::list, "", 0, [&](const KeyResult&) { ++done; });
  self.settle();
  EXPECT_EQ(self.serf->stats().query_queue, 1u);
  self.pass(base::seconds(10));

  EXPECT_EQ(done, 2);
}

TEST(SerfKeys, ALongListIsCut) {
  Keyring ring;
  for (char key = 'A'; key < 'A' + 50; ++key) ASSERT_TRUE(ring.add(std::string(32, key)));
  LoneNode self({}, &ring);
  std::optional<KeyResult> result;

  self.serf->key_operation(KeyOperation::list, "", 0, [&](KeyResult got) { result = std::move(got); });
  self.settle();

  ASSERT_TRUE(result);
  EXPECT_EQ(result->error, "");
  EXPECT_EQ(result->messages.at("self"),
            "truncated key list response, showing first " + std::to_string(result->keys.size()) + " of 50 keys");
  EXPECT_GT(result->keys.size(), 15u);
  EXPECT_EQ(result->primary_keys.at(base64_key('A')), 1);
}

TEST(SerfKeys, AnEmptyOrWrongRequestIsAnswered) {
  Keyring ring = ring_of({'a'});
  LoneNode self({}, &ring);
  Query query{.LTime = 5,
              .ID = 7,
              .Addr = Bytes(std::string("\x0a\0\0\x02", 4)),
              .Port = 8301,
              .Timeout = base::seconds(5),
              .Name = "_serf_install-key"};

  self.hear(MessageType::query, query);
  query.ID = 8;
  query.Payload = Bytes(encode(MessageType::key_request, KeyRequest{.Key = Bytes(std::string("short"))}));
  self.hear(MessageType::query, query);

  ASSERT_EQ(self.membership.sent.size(), 2u);
  const auto response = decode<QueryResponse>(std::string_view(self.membership.sent[1].second).substr(1)).value();
  const auto answer = decode<KeyResponse>(std::string_view(response.Payload).substr(1)).value();
  EXPECT_FALSE(answer.Result);
  EXPECT_EQ(answer.Message, "key size must be 16, 24 or 32 bytes");
  EXPECT_EQ(ring.keys().size(), 1u);
}

TEST(SerfKeys, TheFileIsAListInJson) {
  const Keyring ring = ring_of({'a', 'b'});
  const std::string text = encode_keyring(ring);

  EXPECT_EQ(text, "[\n  \"" + base64_key('a') + "\",\n  \"" + base64_key('b') + "\"\n]");
  EXPECT_EQ(decode_keyring(text, "f")->keys(), ring.keys());
  EXPECT_EQ(encode_keyring(Keyring()), "[]");
  EXPECT_EQ(decode_keyring("[]", "/x/local.keyring").error().detail, "no keys present in keyring: /x/local.keyring");
  EXPECT_FALSE(decode_keyring("{}", "f"));
  EXPECT_FALSE(decode_keyring("[\"AAAA\"]", "f"));
}

}  // namespace
}  // namespace proconsul::gossip::serf
