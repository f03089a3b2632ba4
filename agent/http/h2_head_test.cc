#include "agent/http/h2_head.h"

#include <gtest/gtest.h>

namespace proconsul::agent::http {
namespace {

using base::net::H2Fields;

H2Fields get(std::string path) {
  return {{":method", "GET"}, {":scheme", "https"}, {":authority", "agent:8501"}, {":path", std::move(path)}};
}

TEST(H2Head, ARequestIsWrittenAsHttp1WritesIt) {
  H2Fields fields = get("/v1/kv/a%20b?raw");
  fields.emplace_back("x-consul-token", "secret");

  EXPECT_EQ(*request_head(fields, true),
            "GET /v1/kv/a%20b?raw HTTP/1.1\r\nHost: agent:8501\r\nx-consul-token: secret\r\n\r\n");
}

TEST(H2Head, ABodyWithoutALengthIsChunkedAndOneWithALengthIsNot) {
  H2Fields fields = get("/a");
  EXPECT_TRUE(request_head(fields, false)->ends_with("\r\nTransfer-Encoding: chunked\r\n\r\n"));
  fields.emplace_back("content-length", "3");
  EXPECT_TRUE(request_head(fields, false)->ends_with("\r\ncontent-length: 3\r\n\r\n"));
}

TEST(H2Head, TheAuthorityIsTheHostAndStandsBeforeAFieldOfThatName) {
  H2Fields fields = get("/a");
  fields.emplace_back("host", "other");
  EXPECT_EQ(*request_head(fields, true), "GET /a HTTP/1.1\r\nHost: agent:8501\r\n\r\n");
  fields.erase(fields.begin() + 2);
  EXPECT_EQ(*request_head(fields, true), "GET /a HTTP/1.1\r\nHost: other\r\n\r\n");
}

TEST(H2Head, WhatWouldBeAnotherRequestInHttp1IsRefused) {
  for (const char* path : {"", "/a HTTP/1.1", "/a\r\nX: y", "/a\nb", "/\x7f"}) {
    EXPECT_FALSE(request_head(get(path), true)) << path;
  }
  for (const auto& [name, value] : H2Fields{{"transfer-encoding", "chunked"},
                                            {"connection", "close"},
                                            {"upgrade", "h2c"},
                                            {"x", "a\r\nY: b"},
                                            {"x", std::string("a\0b", 3)},
                                            {"x y", "a"},
                                            {"x:", "a"},
                                            {"", "a"},
                                            {"Big", "a"}}) {
    H2Fields fields = get("/a");
    fields.emplace_back(name, value);
    EXPECT_FALSE(request_head(fields, true)) << name << ": " << value;
  }
}

TEST(H2Head, AnAnswerLosesWhatIsAboutTheConnection) {
  const AnswerHead head = answer_head(
      "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n");

  EXPECT_EQ(head.fields, (H2Fields{{":status", "404"}, {"content-type", "text/plain"}}));
  EXPECT_TRUE(head.streams);
  EXPECT_FALSE(head.interim);
  EXPECT_TRUE(answer_head("HTTP/1.1 100 Continue\r\n\r\n").interim);
}

}  // namespace
}  // namespace proconsul::agent::http
