#include "agent/http/encode.h"

#include <gtest/gtest.h>

#include "agent/http/request_reader.h"

namespace proconsul::agent::http {
namespace {

TEST(Encode, IndentsAsGosMarshalIndent) {
  EXPECT_EQ(indent("{}"), "{}");
  EXPECT_EQ(indent("[]"), "[]");
  EXPECT_EQ(indent("null"), "null");
  EXPECT_EQ(
      indent(R"({"a":[],"b":{},"c":[1,{"d":"x{,}\"y:"}],"e":null})"),
      "{\n    \"a\": [],\n    \"b\": {},\n    \"c\": [\n        1,\n        {\n            \"d\": \"x{,}\\\"y:\"\n"
      "        }\n    ],\n    \"e\": null\n}");
}

TEST(Encode, GzipIsUsedOnlyWhenNamedWithAQuality) {
  for (const char* yes : {"gzip", "deflate, gzip", "GZIP;q=0.1", "gzip ; q=1.0"}) EXPECT_TRUE(accepts_gzip(yes)) << yes;
  for (const char* no : {"", "*", "deflate", "gzip;q=0", "gzip;q=0.000", "x-gzip"})
    EXPECT_FALSE(accepts_gzip(no)) << no;
}

TEST(Encode, AHeaderCannotBeSplitByItsValue) {
  Reply reply;
  reply.header("X-Echo", "a\r\nSet-Cookie: b");

  EXPECT_EQ(reply.headers, "X-Echo: a  Set-Cookie: b\r\n");
}

TEST(Encode, SlicesOfABodyCompareByTheirBytes) {
  Body one, other;
  one.append("ab");
  one.append_borrowed("cdef");
  other.append_borrowed("a");
  other.append_borrowed("bcde");
  other.append("f");

  EXPECT_TRUE(one.same_bytes(other));
  EXPECT_EQ(one.flat(), "abcdef");
  other.append("g");
  EXPECT_FALSE(one.same_bytes(other));
}

TEST(Router, TheLongestPatternWinsAndEscapedSlashesAreNoBorders) {
  static constexpr Route kRows[] = {{Method::get, "/v1/kv/", later()},
                                    {Method::get, "/v1/agent/service/", later()},
                                    {Method::put, "/v1/agent/service/register", later()}};
  constexpr std::span<const Route> kFamilies[] = {kRows};
  const Router router(kFamilies);

  const auto pattern = [&](std::string_view path) {
    const Endpoint* endpoint = router.find(path);
    return endpoint ? endpoint->pattern : std::string_view("none");
  };
  EXPECT_EQ(pattern("/v1/kv/a/b"), "/v1/kv/");
  EXPECT_EQ(pattern("/v1/kv/a%2Fb"), "/v1/kv/");
  EXPECT_EQ(pattern("/v1/k%76/a"), "/v1/kv/");
  EXPECT_EQ(pattern("/v1/kv%2Fa"), "none");
  EXPECT_EQ(pattern("/v1/kv"), "none");
  EXPECT_EQ(pattern("/v1/agent/service/register"), "/v1/agent/service/register");
  EXPECT_EQ(pattern("/v1/agent/service/registered"), "/v1/agent/service/");
  EXPECT_TRUE(router.lacks_slash("/v1/kv"));
  EXPECT_EQ(clean_path("/a//b/./c/../d/"), "/a/b/d/");
  EXPECT_EQ(clean_path("/../.."), "/");
}

TEST(Router, OnlyPrintablePathsPass) {
  for (const char* good : {"/a b", "/ü", "/\xff", "/日本", "/😀"}) EXPECT_TRUE(is_printable(good)) << good;
  for (const char* bad : {"/a\x01", "/a\x7f", "/a\xc2\xa0", "/\xe2\x80\x8b", "/\xef\xbb\xbf", "/a\n"})
    EXPECT_FALSE(is_printable(bad));
}

TEST(Request, WhatOwnsItselfOutlivesTheBuffer) {
  std::shared_ptr<Request> kept;
  {
    std::string head = "/v1/kv/a%20b?x=1&y=%41";
    Request request;
    ASSERT_TRUE(RequestReader::set_target(request, "GET", head));
    std::string body = "body";
    request.body = body;
    kept = request.own()->own();
    head.assign(head.size(), '#');
    body.assign(body.size(), '#');
  }

  EXPECT_EQ(kept->path, "/v1/kv/a b");
  EXPECT_EQ(kept->param("x"), "1");
  EXPECT_EQ(kept->param("y"), "A");
  EXPECT_EQ(kept->body, "body");
}

}  // namespace
}  // namespace proconsul::agent::http
