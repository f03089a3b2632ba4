// Recorded streams of a Go server: read, and written again to the same bytes.
#include "agent/grpc/messages.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>

#include "agent/grpc/subscribe.h"
#include "base/base64.h"
#include "base/json.h"
#include "base/value.h"

namespace proconsul::agent::grpc {
namespace {

using base::Result;
using base::Value;

const std::map<std::string, Value>& recorded() {
  static const std::map<std::string, Value> all = [] {
    std::ifstream file(std::string(PROCONSUL_SOURCE_DIR) + "/tests/vectors/streaming.json");
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const Result<Value> root = base::from_json<Value>(text);
    EXPECT_TRUE(root);
    std::map<std::string, Value> by_name;
    for (const Value& each : *root->find("vectors")->as_list()) by_name.emplace(*each.find("name")->as_string(), each);
    return by_name;
  }();
  return all;
}

std::string bytes_of(const std::string& name) {
  return *base::from_hex(*recorded().at(name).find("hex")->as_string());
}

template <class T>
T parsed(const std::string& bytes) {
  T message;
  const Result<> done = schema().parse(bytes, message);
  EXPECT_TRUE(done) << done.error().detail;
  return message;
}

template <class T>
std::string written(const T& message) {
  std::string out;
  schema().append(out, message);
  return out;
}

TEST(StreamMessages, RecordedMessagesAreWrittenAgainToTheSameBytes) {
  int seen = 0;
  for (const auto& [name, entry] : recorded()) {
    if (!entry.find("hex") || name == "config_service_defaults_event_0") continue;
    const std::string bytes = bytes_of(name);
    if (name.ends_with("_request")) {
      EXPECT_EQ(base::to_hex(written(parsed<SubscribeRequest>(bytes))), base::to_hex(bytes)) << name;
    } else {
      EXPECT_EQ(base::to_hex(written(parsed<Event>(bytes))), base::to_hex(bytes)) << name;
    }
    ++seen;
  }
  EXPECT_GE(seen, 20);
}

TEST(StreamMessages, AnInstanceIsReadWhole) {
  const auto event = parsed<Event>(bytes_of("service_health_event_2"));

  EXPECT_EQ(event.Index, 172u);
  ASSERT_TRUE(event.ServiceHealth && event.ServiceHealth->CheckServiceNode);
  EXPECT_EQ(event.ServiceHealth->Op, kRegister);
  const catalog::CheckServiceNode& instance = *event.ServiceHealth->CheckServiceNode;
  EXPECT_EQ(instance.Node->Node, "rpcnode");
  EXPECT_EQ(instance.Node->CreateIndex, 155u);
  EXPECT_EQ(instance.Service->Service, "rpcsvc");
  EXPECT_EQ(instance.Service->Port, 2);
  EXPECT_EQ(instance.Service->ModifyIndex, 172u);
  EXPECT_EQ(instance.Service->Weights->Passing, 1);
}

TEST(StreamMessages, AnInstanceIsWrittenAsRecorded) {
  Event event;
  event.Index = 155;
  catalog::CheckServiceNode& instance = event.ServiceHealth.emplace().CheckServiceNode.emplace();
  catalog::Node& node = instance.Node.emplace();
  node.Node = "rpcnode";
  node.Address = "192.0.2.77";
  node.Datacenter = "dc1";
  node.CreateIndex = node.ModifyIndex = 155;
  catalog::NodeService& service = instance.Service.emplace();
  service.ID = service.Service = "rpcsvc";
  service.Port = 1;
  service.Weights = catalog::Weights{.Passing = 1, .Warning = 1};
  service.CreateIndex = service.ModifyIndex = 155;

  EXPECT_EQ(base::to_hex(written(event)), base::to_hex(bytes_of("service_health_event_0")));
}

TEST(StreamMessages, SubjectsAndTheirErrorsAreThoseThatWereRecorded) {
  const auto subject = [](const std::string& name) { return subject_of(parsed<SubscribeRequest>(bytes_of(name))); };
  const auto status = [](const std::string& name) {
    return *recorded().at(name).find("extra")->find("status")->as_string();
  };

  EXPECT_EQ(subject("service_health_request")->key, "rpcsvc");
  EXPECT_EQ(subject("old_key_field_request")->key, "rpcsvc");
  EXPECT_TRUE(subject("service_list_request")->wildcard);
  EXPECT_EQ("rpc error: code = InvalidArgument desc = " + subject("bad_topic_request").error().detail,
            status("bad_topic_error"));
  EXPECT_EQ("rpc error: code = InvalidArgument desc = " + subject("no_subject_request").error().detail,
            status("no_subject_error"));
}

}  // namespace
}  // namespace proconsul::agent::grpc
