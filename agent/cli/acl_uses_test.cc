#include "agent/cli/acl_uses.h"

#include <gtest/gtest.h>

namespace proconsul::agent::cli {
namespace {

constexpr std::int64_t kNow = 1'800'000'000, kHour = 3600;

AclTokenEntry token(std::string accessor, std::int64_t made) {
  AclTokenEntry entry;
  entry.AccessorID = std::move(accessor);
  entry.CreateTime = base::from_unix(made);
  return entry;
}
AclTokenUses uses(std::int64_t since) {
  AclTokenUses known;
  known.Since = base::from_unix(since);
  known.Uses.emplace("old", base::from_unix(kNow - 3 * kHour));
  known.Uses.emplace("busy", base::from_unix(kNow - 60));
  return known;
}
std::vector<std::string> names(const UnusedTokens& unused) {
  std::vector<std::string> all;
  for (const AclTokenEntry& each : unused.tokens) all.push_back(each.AccessorID);
  return all;
}

TEST(AclUses, ATokenIsUnusedIfItIsOldEnoughAndWasNotUsedForSoLong) {
  const base::List<AclTokenEntry> tokens{token("old", 1), token("busy", 1), token("never", 1),
                                         token("fresh", kNow - 60)};
  const base::Duration two_hours = base::seconds(2 * kHour);

  const UnusedTokens known = unused_tokens(tokens, uses(kNow - 9 * kHour), two_hours, base::from_unix(kNow));
  const UnusedTokens restarted = unused_tokens(tokens, uses(kNow - kHour), two_hours, base::from_unix(kNow));

  EXPECT_EQ(names(known), (std::vector<std::string>{"old", "never"}));
  EXPECT_EQ(known.unsure, 0u);
  EXPECT_EQ(names(restarted), (std::vector<std::string>{"old"}));
  EXPECT_EQ(restarted.unsure, 1u);
}

TEST(AclUses, TheLineSaysWhenOrSinceWhenNot) {
  EXPECT_EQ(last_use_line(uses(kNow), "old"), "Last Used:        2027-01-15T05:00:00Z");
  EXPECT_EQ(last_use_line(uses(kNow), "never"), "Last Used:        not since 2027-01-15T08:00:00Z");
}

}  // namespace
}  // namespace proconsul::agent::cli
