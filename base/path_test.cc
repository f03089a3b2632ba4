#include "base/path.h"

#include <gtest/gtest.h>

namespace proconsul::base {
namespace {

TEST(Path, JoinedPathsAreCleaned) {
  EXPECT_EQ(join_path("", "a/b"), "a/b");
  EXPECT_EQ(join_path("p/", "/i//1/"), "p/i/1");
  EXPECT_EQ(join_path("p", "../../x"), "../x");
  EXPECT_EQ(join_path("/p", "../../x"), "/x");
  EXPECT_EQ(join_path("", ""), "");
  EXPECT_EQ(join_path("p", ".."), ".");
}

}  // namespace
}  // namespace proconsul::base
