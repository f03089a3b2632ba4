#include "agent/rpc/token_sums.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "catalog/commands.h"
#include "catalog/fsm.h"
#include "catalog/store/store.h"

namespace proconsul::agent::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(TokenSums, AreReadAsTheyWereWritten) {
  const TokenSum whole{.accessor = "a", .secret = "s", .hash = std::string_view("\0\1", 2), .modify_index = 1 << 20};
  const TokenSum hidden{.accessor = "b", .secret = "", .hash = "", .modify_index = 7};
  std::string sums;
  append_sum(sums, whole);
  append_sum(sums, hidden);
  const auto read = read_sums(sums);
  ASSERT_TRUE(read);
  EXPECT_THAT(*read, ElementsAre(whole, hidden));
  EXPECT_THAT(*read_sums(""), IsEmpty());
}

TEST(TokenSums, WhatIsCutOffIsNoShorterListOfTokens) {
  std::string sums;
  append_sum(sums, {.accessor = "a", .secret = "s", .hash = "h", .modify_index = 7});
  for (std::size_t size = 1; size < sums.size(); ++size) {
    EXPECT_FALSE(read_sums(std::string_view(sums).substr(0, size))) << size;
  }
}

catalog::ACLToken token(std::string name, bool local, base::Time end = {}) {
  catalog::ACLToken token;
  token.AccessorID = name;
  token.SecretID = "secret of " + name;
  token.Local = local;
  if (!end.is_zero()) token.ExpirationTime.emplace() = end;
  token.Hash = base::Bytes("hash of " + name);
  return token;
}

TEST(TokenSums, AreOfWhatIsCopiedAndNotOver) {
  catalog::Store store;
  catalog::StateMachine machine(store);
  catalog::ACLTokenBatchSetRequest request;
  for (catalog::ACLToken each :
       {token("c", false), token("a", false), token("b", true), token("d", false, base::from_unix(1'000)),
        token("e", false, base::from_unix(3'000))}) {
    request.Tokens.emplace_back().emplace() = std::move(each);
  }
  const std::string command = catalog::encode_command(catalog::Command::acl_token_set, request);
  ASSERT_TRUE(machine.apply({.index = 7, .term = 1, .data = command}));
  machine.commit();

  const auto sum = [](std::string_view accessor, std::string_view secret, std::string_view hash) {
    return TokenSum{.accessor = accessor, .secret = secret, .hash = hash, .modify_index = 7};
  };
  const auto view = store.view();
  std::string sums = token_sums(view->tables(), true, base::from_unix(2'000));
  EXPECT_THAT(*read_sums(sums), ElementsAre(sum("a", "secret of a", "hash of a"), sum("c", "secret of c", "hash of c"),
                                            sum("e", "secret of e", "hash of e")));
  sums = token_sums(view->tables(), false, base::from_unix(4'000));
  EXPECT_THAT(*read_sums(sums), ElementsAre(sum("a", "", "hash of a"), sum("c", "", "hash of c")));
}

}  // namespace
}  // namespace proconsul::agent::rpc
