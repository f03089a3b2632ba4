#include "agent/backup/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/backup/s3_store.h"

namespace proconsul::agent::backup {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ArchiveName, SaysWhenAndHowFar) {
  EXPECT_EQ(archive_name("consul-dc1-", {1767323045, 17}), "consul-dc1-20260102T030405Z-17.snap");

  const auto what = parse_archive_name("consul-dc1-", "consul-dc1-20260102T030405Z-17.snap");
  ASSERT_TRUE(what);
  EXPECT_EQ(what->unix_seconds, 1767323045);
  EXPECT_EQ(what->index, 17u);
}

TEST(ArchiveName, WhatIsNotOursIsNone) {
  for (const char* name :
       {"", "consul-dc1-", "consul-dc1-.snap", "consul-dc2-20260102T030405Z-17.snap", "consul-dc1-20260102T030405Z-17",
        "consul-dc1-20260102T030405Z-.snap", "consul-dc1-20260102T030405Z-x.snap", "consul-dc1-20261302T030405Z-1.snap",
        "consul-dc1-20260230T030405Z-1.snap", "consul-dc1-20260102T030405-17.snap",
        "consul-dc1-node-20260102T030405Z-17.snap", "consul-dc1-20260102T030405Z-07.snap",
        "consul-dc1--0260102T030405Z-7.snap"}) {
    EXPECT_FALSE(parse_archive_name("consul-dc1-", name)) << name;
  }
}

TEST(ArchiveName, TheOldestGo) {
  const std::vector<std::string> names{"c-20260101T000000Z-2.snap", "c-20260103T000000Z-9.snap", "notes",
                                       "c-20260102T000000Z-4.snap", "c-20260101T000000Z-10.snap"};

  EXPECT_THAT(outdated("c-", names, 2), ElementsAre("c-20260101T000000Z-10.snap", "c-20260101T000000Z-2.snap"));
  EXPECT_THAT(outdated("c-", names, 9), IsEmpty());
}

TEST(S3Answers, TextsOfElementsAreRead) {
  const std::string_view answer = "<L><K>a&amp;b</K><C><K>&lt;&quot;&gt;&apos;&x;</K></C><K/><K>cut";

  EXPECT_THAT(xml_texts(answer, "K"), ElementsAre("a&b", "<\">'&x;"));
  EXPECT_THAT(xml_texts("", "K"), IsEmpty());
}

}  // namespace
}  // namespace proconsul::agent::backup
