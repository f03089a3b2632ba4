#include "agent/resident_pages.h"

#include <gtest/gtest.h>

#include <fstream>

namespace proconsul::agent {
namespace {

/// Resident pages that belong to files.
long shared_pages() {
  long total = 0, resident = 0, shared = 0;
  std::ifstream("/proc/self/statm") >> total >> resident >> shared;
  return shared;
}

TEST(ResidentPages, WhatIsGivenBackIsThereWhenItIsNeeded) {
  const long before = shared_pages();

  drop_start_pages();

  const long after = shared_pages();
  EXPECT_LT(after, before);
  EXPECT_EQ(std::string("a constant"), "a constant");
}

}  // namespace
}  // namespace proconsul::agent
