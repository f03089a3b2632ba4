// What tests of the resolver share: a catalog, questions to it, and answers.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/dns/resolver.h"
#include "agent/dns/test_messages.h"
#include "catalog/config_entry/entry_fixture.h"

namespace proconsul::agent::dns::test {

inline Zone zone(const std::string& text) {
  return {.name = *to_name(text), .labels = count_labels(*to_name(text))};
}

class ResolverFixture : public catalog::testing_support::EntryFixture {
 protected:
  ResolverFixture() {
    settings.domain = zone("consul");
    settings.datacenter = "dc1";
    settings.node_name = "n1";
    settings.max_stale = base::seconds(3600);
    settings.udp_answer_limit = 3;
  }

  Outcome outcome_of(const Question& question, Transport transport = Transport::udp, std::uint64_t seed = 7) {
    EXPECT_EQ(parse_query(message_of(question), query), Parsed::ok);
    const State state{.tables = tables(),
                      .is_leader = is_leader,
                      .last_contact = last_contact,
                      .now = 1'700'000'000,
                      .has_data = has_data,
                      .asks_others = asks_others,
                      .who = who ? &*who : nullptr,
                      .refused = refused};
    const Ask ask{.query = query, .transport = transport, .seed = seed, .client = {}};
    return resolver.resolve(state, settings, ask, externals, reply, wants);
  }
  std::string raw(const Question& question, Transport transport = Transport::udp, std::uint64_t seed = 7) {
    EXPECT_EQ(outcome_of(question, transport, seed), Outcome::answered);
    std::string out(kBufferSize, '\0');
    out.resize(writer.write(settings, transport, query, reply, !resolver.was_reverse(), out));
    return out;
  }
  Answer ask(const Question& question, Transport transport = Transport::udp, std::uint64_t seed = 7) {
    const std::string message = raw(question, transport, seed);
    Answer answer = read_answer(message);
    EXPECT_TRUE(answer.whole);
    return answer;
  }
  void instance(const std::string& node, const std::string& address, const std::string& service, int port = 80,
                const std::string& own_address = {}, std::vector<std::string> tags = {}) {
    catalog::RegisterRequest request =
        catalog::testing_support::service_request(node, service + std::to_string(port), service);
    request.Address = address;
    request.Service->Address = own_address;
    request.Service->Port = port;
    for (std::string& tag : tags) request.Service->Tags.push_back(std::move(tag));
    apply(std::move(request));
  }
  void many(int count, const std::string& service) {
    for (int i = 0; i < count; ++i) {
      instance("node-" + std::to_string(i), "10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256), service);
    }
  }

  Settings settings{};
  bool is_leader = true;
  base::Duration last_contact{};
  bool has_data = true;
  bool asks_others = false;
  std::optional<tokens::Who> who{};  // nothing: everything is shown
  bool refused = false;
  Images images{};
  Addresses addresses{};
  Resolver resolver{images, addresses};
  ReplyWriter writer{};
  Query query{};
  Externals externals{};
  Reply reply{};
  Wants wants{};
};

}  // namespace proconsul::agent::dns::test
