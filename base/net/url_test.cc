#include "base/net/url.h"

#include <gtest/gtest.h>

namespace proconsul::base::net {
namespace {

TEST(Url, TellsWhereToConnectAndWhatToAskFor) {
  const Url url = *parse_url("HTTP://me:secret@[::1]:8080/a b/%20?x=1&y=#frag");

  EXPECT_EQ(url.scheme, "http");
  EXPECT_EQ(url.user, "me:secret");
  EXPECT_EQ(url.dial_address(), "[::1]:8080");
  EXPECT_EQ(url.host_name(), "::1");
  EXPECT_EQ(url.request_target(), "/a%20b/%20?x=1&y=");
  EXPECT_EQ(parse_url("http://h")->request_target(), "/");
  EXPECT_EQ(parse_url("http://h")->dial_address(), "h:80");
  EXPECT_EQ(parse_url("https://h:")->dial_address(), "h:443");
  EXPECT_EQ(url.text(), "http://me:***@[::1]:8080/a%20b/%20?x=1&y=#frag");
}

TEST(Url, FailsInGosWords) {
  const auto fault = [](std::string_view text) { return parse_url(text).error().detail; };

  EXPECT_EQ(fault(""), "parse \"\": empty url");
  EXPECT_EQ(fault("127.0.0.1:80/x"), "parse \"127.0.0.1:80/x\": first path segment in URL cannot contain colon");
  EXPECT_EQ(fault(":80"), "parse \":80\": missing protocol scheme");
  EXPECT_EQ(fault("http://[::1/"), "parse \"http://[::1/\": missing ']' in host");
  EXPECT_EQ(fault("http://h:port/"), "parse \"http://h:port/\": invalid port \":port\" after host");
  EXPECT_EQ(fault("http://h/%zz"), "parse \"http://h/%zz\": invalid URL escape \"%zz\"");
  EXPECT_EQ(fault("http://h/\x01"), "parse \"http://h/\\x01\": net/url: invalid control character in URL");
}

TEST(Url, ReferencesLeadWhereTheStandardSays) {
  const Url from = *parse_url("http://a/b/c/d?q");
  const auto to = [&](std::string_view reference) { return resolve_url(from, reference)->text(); };

  EXPECT_EQ(to("g"), "http://a/b/c/g");
  EXPECT_EQ(to("./g/"), "http://a/b/c/g/");
  EXPECT_EQ(to("/g"), "http://a/g");
  EXPECT_EQ(to("//g"), "http://g");
  EXPECT_EQ(to("?y"), "http://a/b/c/d?y");
  EXPECT_EQ(to("../g"), "http://a/b/g");
  EXPECT_EQ(to("../../../g"), "http://a/g");
  EXPECT_EQ(to(".."), "http://a/b/");
  EXPECT_EQ(to("https://x/y"), "https://x/y");
}

TEST(Url, PartsAreEscapedForQueries) {
  EXPECT_EQ(escape_part("a b/ü~"), "a+b%2F%C3%BC~");
}

}  // namespace
}  // namespace proconsul::base::net
