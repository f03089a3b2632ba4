#include "agent/server/coordinate_batch.h"

#include <gtest/gtest.h>

namespace proconsul::agent::server {
namespace {

catalog::Coordinate of(const std::string& node, double height = 0) {
  catalog::Coordinate coordinate;
  coordinate.Node = node;
  coordinate.Coord.emplace() = catalog::NetworkCoordinate::origin();
  coordinate.Coord->Height = height;
  return coordinate;
}

TEST(CoordinateBatch, AsksToBeTakenOnceForAllThatCameMeanwhile) {
  int asked = 0;
  CoordinateBatch batch({}, [&] { ++asked; });

  batch.add(of("a"));
  batch.add(of("b"));
  const CoordinateBatch::Taken taken = batch.take();
  batch.add(of("a"));

  EXPECT_EQ(asked, 2);
  ASSERT_EQ(taken.batches.size(), 1u);
  EXPECT_EQ(taken.batches[0].size(), 2u);
}

TEST(CoordinateBatch, TheNewestOfANodeCounts) {
  CoordinateBatch batch({}, [] {});

  batch.add(of("a", 1));
  batch.add(of("a", 2));
  const CoordinateBatch::Taken taken = batch.take();

  ASSERT_EQ(taken.batches.size(), 1u);
  ASSERT_EQ(taken.batches[0].size(), 1u);
  EXPECT_EQ(taken.batches[0][0]->Coord->Height, 2);
}

TEST(CoordinateBatch, WhatIsBeyondTheLastBatchIsDropped) {
  CoordinateBatch batch({.batch_size = 2, .max_batches = 2}, [] {});

  for (const char* node : {"a", "b", "c", "d", "e"}) batch.add(of(node));
  const CoordinateBatch::Taken taken = batch.take();

  EXPECT_EQ(taken.batches.size(), 2u);
  EXPECT_EQ(taken.dropped, 1u);
  EXPECT_TRUE(batch.take().batches.empty());
}

}  // namespace
}  // namespace proconsul::agent::server
