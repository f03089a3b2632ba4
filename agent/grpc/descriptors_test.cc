#include "agent/grpc/descriptors.h"

#include <gtest/gtest.h>

#include "agent/grpc/public_messages.h"
#include "base/protobuf.h"

namespace proconsul::agent::grpc {
namespace {

/// The bytes of every field of that number.
std::vector<std::string> parts(std::string_view message, std::uint32_t number) {
  std::vector<std::string> found;
  base::pb::Reader reader(message);
  while (reader.next()) {
    if (reader.number() == number) found.emplace_back(reader.bytes());
  }
  EXPECT_FALSE(reader.broken());
  return found;
}

std::string one(std::string_view message, std::uint32_t number) {
  const std::vector<std::string> found = parts(message, number);
  return found.size() == 1 ? found[0] : "(" + std::to_string(found.size()) + ")";
}

TEST(Descriptors, SymbolsAreFoundByTheirWholeNames) {
  const FileRow* dns = find_file("pbdns/dns.proto");
  ASSERT_NE(dns, nullptr);
  for (const char* symbol : {"hashicorp.consul.dns.DNSService", "hashicorp.consul.dns.DNSService.Query",
                             "hashicorp.consul.dns.QueryRequest", "hashicorp.consul.dns.QueryRequest.msg",
                             "hashicorp.consul.dns.Protocol", "hashicorp.consul.dns.PROTOCOL_TCP"}) {
    EXPECT_EQ(find_symbol(symbol), dns) << symbol;
  }
  for (const char* symbol : {"", "hashicorp.consul.dns", "hashicorp.consul.dns.", "hashicorp.consul.dns.QueryRequest.x",
                             "hashicorp.consul.dns.Protocol.PROTOCOL_TCP", "hashicorp.consul.dnsx.Protocol"}) {
    EXPECT_EQ(find_symbol(symbol), nullptr) << symbol;
  }
  EXPECT_EQ(find_file("nothing.proto"), nullptr);
}

TEST(Descriptors, AFileBringsWhatItNeeds) {
  const std::vector<const FileRow*> files = with_needs(*find_file("pbdataplane/dataplane.proto"));
  ASSERT_EQ(files.size(), 2u);
  EXPECT_STREQ(files[0]->name, "pbdataplane/dataplane.proto");
  EXPECT_STREQ(files[1]->name, "google/protobuf/struct.proto");
}

TEST(Descriptors, AFileIsDescribedAsProtocolBuffersDo) {
  const std::string file = file_descriptor(*find_file("pbacl/acl.proto"));
  EXPECT_EQ(one(file, 1), "pbacl/acl.proto");
  EXPECT_EQ(one(file, 2), "hashicorp.consul.acl");
  EXPECT_EQ(one(file, 12), "proto3");

  const std::string login = parts(file, 4)[0];
  EXPECT_EQ(one(login, 1), "LoginRequest");
  const std::string meta = parts(login, 2)[2];
  EXPECT_EQ(one(meta, 1), "meta");
  EXPECT_EQ(one(meta, 6), ".hashicorp.consul.acl.LoginRequest.MetaEntry");
  EXPECT_EQ(one(meta, 10), "meta");
  EXPECT_EQ(one(parts(login, 2)[0], 10), "authMethod");
  const std::string entry = one(login, 3);
  EXPECT_EQ(one(entry, 1), "MetaEntry");
  EXPECT_EQ(one(entry, 7), "\x38\x01");  // map_entry

  const std::string service = one(file, 6);
  EXPECT_EQ(one(service, 1), "ACLService");
  EXPECT_EQ(one(parts(service, 2)[1], 3), ".hashicorp.consul.acl.LogoutResponse");
}

TEST(Descriptors, ChoicesAreDeclared) {
  const std::string file = file_descriptor(*find_file("pbdataplane/dataplane.proto"));
  for (const std::string& message : parts(file, 4)) {
    if (one(message, 1) == "GetEnvoyBootstrapParamsRequest") EXPECT_EQ(one(one(message, 8), 1), "node_spec");
  }
}

TEST(PublicMessages, TravelUnderTheNumbersOfTheirFiles) {
  LoginRequest request;
  ASSERT_TRUE(
      public_schema().parse("\x0a\x01m\x12\x01"
                            "b\x1a\x06\x0a\x01k\x12\x01v\x22\x02ns\x32\x03"
                            "dc2",
                            request));
  EXPECT_EQ(request.auth_method, "m");
  EXPECT_EQ(request.bearer_token, "b");
  EXPECT_EQ(request.meta.at("k"), "v");
  EXPECT_EQ(request.datacenter, "dc2");

  std::string out;
  SignResponse response{.cert_pem = "pem"};
  public_schema().append(out, response);
  EXPECT_EQ(out, "\x12\x03pem");
}

}  // namespace
}  // namespace proconsul::agent::grpc
