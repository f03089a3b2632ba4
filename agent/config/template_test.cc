#include "agent/config/template.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/json.h"

namespace proconsul::agent::config {
namespace {

/// The host that the vectors were made on.
Surroundings vector_host() {
  Surroundings host{.host_name = "host-1", .default_interface = "eth0"};
  const auto add = [&](const char* name, const char* ip, unsigned prefix) {
    const bool loopback = std::string_view(name) == "lo";
    host.interfaces.push_back({.name = name,
                               .up = true,
                               .loopback = loopback,
                               .broadcast = !loopback,
                               .multicast = !loopback,
                               .ip = *Ip::parse(ip),
                               .prefix = prefix});
  };
  add("lo", "127.0.0.1", 8);
  add("eth0", "10.1.2.3", 16);
  add("eth1", "172.20.0.9", 24);
  add("eth1", "203.0.114.7", 24);
  add("eth1", "2001:4860::7", 64);
  add("eth1", "fe80::1", 64);
  return host;
}

TEST(AddressTemplate, GivesWhatTheGoLibraryGives) {
  std::ifstream file(PROCONSUL_SOURCE_DIR "/tests/vectors/sockaddr.json");
  std::ostringstream text;
  text << file.rdbuf();
  const auto vectors = base::from_json<base::List<base::List<std::string>>>(text.str());
  ASSERT_TRUE(vectors) << vectors.error().detail;
  ASSERT_EQ(vectors->size(), 57U);
  const Surroundings host = vector_host();

  for (const base::List<std::string>& vector : *vectors) {
    const base::Result<std::string> out = expand_template(vector[0], host);

    if (!vector[1].starts_with("error: ")) {
      EXPECT_EQ(out ? *out : "error: " + out.error().detail, vector[1]) << vector[0];
    } else {
      ASSERT_FALSE(out) << vector[0];
      EXPECT_TRUE(out.error().detail.ends_with(vector[1].substr(7))) << vector[0] << "\n" << out.error().detail;
    }
  }
}

TEST(AddressTemplate, SourcesAskTheHost) {
  Surroundings host = vector_host();
  const auto expand = [&](const char* text) {
    const base::Result<std::string> out = expand_template(text, host);
    return out ? *out : "error: " + out.error().detail;
  };

  EXPECT_EQ(expand("1.2.3.4"), "1.2.3.4");
  EXPECT_EQ(expand("{{ GetPrivateIP }} {{GetPublicIP}}"), "10.1.2.3 203.0.114.7");
  EXPECT_EQ(expand("{{ GetPrivateIPs }}|{{ GetPublicIPs }}"), "10.1.2.3 172.20.0.9 2001:4860::7|203.0.114.7");
  EXPECT_EQ(expand("{{ GetInterfaceIP \"eth1\" }}|{{ GetInterfaceIPs \"lo\" }}|{{ GetInterfaceIP \"lo\" }}"),
            "172.20.0.9|127.0.0.1|");
  EXPECT_EQ(expand("{{ GetDefaultInterfaces | join \"name\" \" \" }}"), "eth0");
  EXPECT_EQ(expand("{{ GetPrivateInterfaces | include \"network\" \"172.16.0.0/12\" | attr \"address\" }}"),
            "172.20.0.9");
  EXPECT_EQ(expand("{{ GetPublicInterfaces | attr \"address\" }}"), "203.0.114.7");
  host.default_interface.clear();
  EXPECT_TRUE(expand("{{ GetDefaultInterfaces | attr \"name\" }}").ends_with("No default interface found"));
}

TEST(AddressTemplate, AListAloneAndEndlessRangesAreRefused) {
  const Surroundings host = vector_host();
  std::string nested;
  for (int i = 0; i < 30; ++i) nested += "{{ range GetAllInterfaces }}";
  for (int i = 0; i < 30; ++i) nested += "{{ end }}";

  EXPECT_TRUE(expand_template("{{ GetAllInterfaces }}", host).error().detail.ends_with("end it with attr or join"));
  EXPECT_TRUE(expand_template(nested, host).error().detail.ends_with("goes on for too long"));
  EXPECT_FALSE(expand_template("{{" + std::string(100'000, '(') + "}}", host));
  EXPECT_FALSE(expand_template("{{ define \"x\" }}{{ end }}", host));
}

}  // namespace
}  // namespace proconsul::agent::config
