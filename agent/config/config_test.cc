#include "agent/config/config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "agent/config/flags.h"
#include "agent/config/keys.h"
#include "agent/config/load.h"
#include "agent/config/node_id.h"
#include "base/json.h"

namespace proconsul::agent::config {
namespace {

namespace fs = std::filesystem;

Surroundings test_host() {
  Surroundings host;
  host.host_name = "host-1";
  host.default_interface = "eth0";
  host.file_limit = 1024;
  const auto add = [&](const char* name, const char* ip, unsigned prefix, bool loopback) {
    host.interfaces.push_back({.name = name,
                               .up = true,
                               .loopback = loopback,
                               .broadcast = !loopback,
                               .multicast = !loopback,
                               .ip = *Ip::parse(ip),
                               .prefix = prefix});
  };
  add("lo", "127.0.0.1", 8, true);
  add("eth0", "10.1.2.3", 16, false);
  add("eth1", "172.20.0.9", 24, false);
  add("eth1", "203.0.114.7", 24, false);
  return host;
}

/// A directory of its own for each test.
class ConfigFiles : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ =
        fs::path(testing::TempDir()) / ("config_test." + std::string(test->name()) + "." + std::to_string(getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path.string();
  }

  /// What an agent says of a file to which data_dir and bind_addr are added.
  base::Result<Loaded> load_text(const std::string& text, bool development = false) {
    LoadOptions options{.development = development};
    options.paths = {write("a.hcl", text)};
    set(options.flags, "data_dir", folder_.string() + "/data");
    set(options.flags, "bind_addr", "127.0.0.1");
    return load(options, test_host());
  }
  std::string error_of(const std::string& text) {
    base::Result<Loaded> loaded = load_text(text);
    return loaded ? "" : loaded.error().detail;
  }

  fs::path folder_;
};

TEST(ConfigKeys, AreSortedUniqueAndFoundInAnyLetterCase) {
  std::string before;
  for (const Key& key : keys()) {
    EXPECT_LT(before, key.path);
    before = key.path;
  }
  ASSERT_NE(root_group().find("Node_NAME"), nullptr);
  EXPECT_EQ(root_group().find("non_voting_server")->key->path, "read_replica");
  EXPECT_EQ(find_key("service.connect.sidecar_service")->group, find_key("service")->group);
}

TEST_F(ConfigFiles, DevelopmentModeNeedsNothingElse) {
  base::Result<Loaded> loaded = load({.development = true}, test_host());

  ASSERT_TRUE(loaded) << loaded.error().detail;
  const Config& config = loaded->config;
  EXPECT_TRUE(config.server_mode && config.dev_mode && config.enable_debug && config.ui.enabled);
  EXPECT_EQ(config.node_name, "host-1");
  EXPECT_EQ(config.http_addrs[0].to_url(), "tcp://127.0.0.1:8500");
  EXPECT_EQ(config.raft_election_timeout, base::milliseconds(52));
  EXPECT_EQ(config.grpc_port, 8502);
  EXPECT_EQ(config.grpc_tls_port, 8503);
  EXPECT_TRUE(not_built(*loaded).empty());
  EXPECT_TRUE(loaded->warnings.empty());
}

TEST_F(ConfigFiles, LaterFilesReplaceScalarsAppendListsAndOverlayMaps) {
  write("conf/10.hcl",
        "node_meta { a = \"10\" only10 = \"x\" }\nservice { name = \"ten\" port = 10 }\ndns_config { node_ttl = "
        "\"10s\" }\n"
        "http_config { block_endpoints = [\"/a\"] }");
  write("conf/20.json",
        R"({"node_meta": {"a": "20"}, "services": [{"name": "twenty"}], "dns_config": {"node_ttl": "20s",)"
        R"( "service_ttl": {"*": "5s"}}, "http_config": {"block_endpoints": ["/b"]}})");
  write("conf/ignored.txt", "garbage");
  write("conf/sub/99.hcl", "garbage {");
  LoadOptions options{.development = true, .paths = {(folder_ / "conf").string()}};

  base::Result<Loaded> loaded = load(options, test_host());

  ASSERT_TRUE(loaded) << loaded.error().detail;
  const Config& config = loaded->config;
  EXPECT_EQ(base::to_json(config.node_meta), R"({"a":"20","only10":"x"})");
  EXPECT_EQ(config.dns_node_ttl, base::seconds(20));
  EXPECT_EQ(config.dns_service_ttl.at("*"), base::seconds(5));
  ASSERT_EQ(config.services.size(), 2U);
  EXPECT_EQ(config.services[0].Name, "ten");
  EXPECT_EQ(config.services[1].Name, "twenty");
  EXPECT_EQ(base::to_json(config.http_block_endpoints), R"(["/a","/b"])");
  ASSERT_EQ(loaded->warnings.size(), 1U);
  EXPECT_EQ(loaded->warnings[0], "skipping file " + (folder_ / "conf/ignored.txt").string() +
                                     ", extension must be .hcl or .json, or config format must be set");
}

TEST_F(ConfigFiles, FlagsOverrideFilesTheirListsComeFirstAndFragmentsComeLast) {
  const std::string file =
      write("a.json", R"({"datacenter": "file", "recursors": ["2.2.2.2"], "node_meta": {"f": "file"}})");
  const std::vector<std::string> arguments = {
      "-dev",         "--config-file", file,         "-datacenter=flag",
      "-recursor",    "1.1.1.1",       "-node-meta", "g:flag",
      "-http-port=1", "-server=true",  "-hcl",       "datacenter = \"Fragment\" node_meta { h = \"hcl\" }"};

  base::Result<LoadOptions> options = parse_agent_flags(arguments);
  ASSERT_TRUE(options) << options.error().detail;
  base::Result<Loaded> loaded = load(*options, test_host());

  ASSERT_TRUE(loaded) << loaded.error().detail;
  EXPECT_EQ(loaded->config.datacenter, "fragment");
  EXPECT_EQ(base::to_json(loaded->config.dns_recursors), R"(["1.1.1.1","2.2.2.2"])");
  EXPECT_EQ(base::to_json(loaded->config.node_meta), R"({"f":"file","g":"flag","h":"hcl"})");
  EXPECT_EQ(loaded->config.http_port, 1);
}

TEST(ConfigFlags, FailInTheWordsOfGo) {
  const auto error = [](std::vector<std::string> arguments) { return parse_agent_flags(arguments).error().detail; };

  EXPECT_EQ(error({"-bogus"}), "flag provided but not defined: -bogus");
  EXPECT_EQ(error({"-node"}), "flag needs an argument: -node");
  EXPECT_EQ(error({"---node"}), "bad flag syntax: ---node");
  EXPECT_EQ(error({"-dev=maybe"}),
            "invalid boolean value \"maybe\" for -dev: strconv.ParseBool: parsing \"maybe\": invalid syntax");
  EXPECT_EQ(error({"-http-port", "x"}),
            "invalid value \"x\" for flag -http-port: strconv.Atoi: parsing \"x\": invalid syntax");
  EXPECT_EQ(error({"-dev", "a", "b"}), "Unexpected extra arguments: [a b]");
  EXPECT_EQ(error({"-h"}), "flag: help requested");
}

TEST(ConfigFlags, TheOldJoinFlagsWarn) {
  const std::vector<std::string> arguments = {"-join", "a", "-retry-join=b"};

  base::Result<LoadOptions> options = parse_agent_flags(arguments);

  ASSERT_TRUE(options);
  EXPECT_EQ(base::to_json(options->flags), R"({"retry_join":["b","a"]})");
  EXPECT_EQ(options->warnings[0], "The flag '-join' is deprecated. Use the '-retry-join' flag instead.");
}

TEST_F(ConfigFiles, AnUnknownKeyIsNamedWithItsFileAndLine) {
  const std::string hcl = (folder_ / "a.hcl").string();
  EXPECT_EQ(error_of("server = true\nbogus = 1\nports {\n  htp = 1\n}\nservice {\n  name = \"a\"\n  nmae = \"b\"\n}"),
            "failed to parse " + hcl +
                ": 3 errors occurred:\n\t* invalid config key bogus (line 2)\n\t* invalid config key ports.htp (line "
                "4)\n\t* invalid config key service.nmae (line 8)\n\n");

  const std::string json =
      write("b.json", "{\n \"services\": [\n  {\"name\": \"a\"},\n  {\n   \"nmae\": \"b\"}\n ]\n}");
  LoadOptions options{.paths = {json}};
  EXPECT_EQ(load(options, test_host()).error().detail,
            "failed to parse " + json + ": 1 error occurred:\n\t* invalid config key services[1].nmae (line 5)\n\n");
}

TEST_F(ConfigFiles, WrongTypesAreAllNamed) {
  EXPECT_EQ(error_of("server = \"x\"\nports { http = true }\nnode_meta { a = 1 }\nrecursors = \"x\""),
            "failed to parse " + (folder_ / "a.hcl").string() +
                ": 4 error(s) decoding:\n\n"
                "* 'node_meta[a]' expected type 'string', got unconvertible type 'int', value: '1' (line 3)\n"
                "* 'ports.http' expected type 'int', got unconvertible type 'bool', value: 'true' (line 2)\n"
                "* 'recursors': source data must be an array or slice, got string (line 4)\n"
                "* 'server' expected type 'bool', got unconvertible type 'string', value: 'x' (line 1)");
}

TEST_F(ConfigFiles, ContradictionsAreRefusedAndTheirFileAndLineNamed) {
  const std::string at = " (" + (folder_ / "a.hcl").string() + " line 1)";
  const std::string a = (folder_ / "a.hcl").string();
  const std::pair<const char*, std::string> cases[] = {
      {"bootstrap = true", "'bootstrap = true' requires 'server = true'" + at},
      {"server = true\nbootstrap = true\nbootstrap_expect = 3",
       "'bootstrap_expect > 0' and 'bootstrap = true' are mutually exclusive (bootstrap_expect: " + a +
           " line 3; bootstrap: " + a + " line 2)"},
      {"bootstrap_expect = -1", "bootstrap_expect cannot be -1. Must be greater than or equal to zero" + at},
      {"datacenter = \"a b\"",
       "datacenter can only contain lowercase alphanumeric, - or _ characters. received: \"a b\"" + at},
      {"ports { http = 8300 }", "RPC Advertise address 127.0.0.1:8300 already configured for HTTP" + at},
      {"ports { server = 0 }", "server-port must be greater than zero" + at},
      {"ports { http = 99999 }", "1 error occurred:\n\t* ports.http: invalid port: 99999" + at + "\n\n"},
      {"client_addr = \"x\"", "1 error occurred:\n\t* client_addr: invalid ip address: x" + at + "\n\n"},
      {"performance { raft_multiplier = 11 }",
       "performance.raft_multiplier cannot be 11. Must be between 1 and 10" + at},
      {"mass_failure_brake { max_failed_percent = 100 }",
       "mass_failure_brake.max_failed_percent cannot be 100. Must be between 1 and 99" + at},
      {"mass_failure_brake { max_hold = \"24h\" }",
       "mass_failure_brake.max_hold cannot be 24h0m0s. Must be between 1s and 8h" + at},
      {"flap_damping { max_changes = 0 }", "flap_damping.max_changes cannot be 0. Must be between 1 and 1000" + at},
      {"mesh_gateway { enabled = true }",
       "1 error occurred:\n\t* mesh_gateway.enabled: needs mesh_gateway.address, the IP:PORT by which this datacenter "
       "reaches the gateway" +
           at + "\n\n"},
      {"mesh_gateway { address = \"x\" }",
       "1 error occurred:\n\t* mesh_gateway.address: Error parsing address \"x\": not an IP address" + at + "\n\n"},
      {"mesh_gateway { wan_address = \"[::]:8443\" bind_addresses = { all = \"0.0.0.0:8443\" } }",
       "1 error occurred:\n\t* mesh_gateway.wan_address: \"[::]:8443\" is where to listen, not an address that others "
       "can reach: name one, and have this in mesh_gateway.bind_addresses (mesh_gateway.wan_address: " +
           a + " line 1; mesh_gateway.bind_addresses: " + a + " line 1)\n\n"},
      {"mesh_gateway { limits { idle_timeout = \"0s\" } }",
       "1 error occurred:\n\t* mesh_gateway.limits.idle_timeout: must be between 1ms and 168h0m0s" + at + "\n\n"},
      {"encrypt = \"bad\"", "encrypt has invalid key: illegal base64 data at input byte 0" + at},
      {"check { name = \"x\" }", "check \"x\": TTL must be > 0 for TTL checks" + at},
      {"services { name = \"b\" }\nservices { name = \"a\" check { ttl = \"bad\" } }",
       "1 error occurred:\n\t* check[].ttl: invalid duration: \"bad\": time: invalid duration \"bad\" (" + a +
           " line 2)\n\n"},
      {"node_meta { \"a b\" = \"c\" }",
       "node_meta invalid: Couldn't load metadata pair ('a b', 'c'): Key contains invalid characters" + at},
      {"session_ttl_min = \"5\"",
       "1 error occurred:\n\t* session_ttl_min: invalid duration: \"5\": time: missing unit in duration \"5\"" + at +
           "\n\n"},
      {"tls { grpc { verify_outgoing = true } }", "verify_outgoing is not valid in the tls.grpc stanza" + at},
      {"limits { http_max_conns_per_client = 5000 }",
       "system allows a max of 1024 file descriptors, but limits.http_max_conns_per_client: 5000 needs at least 5020" +
           at},
      {"limits { txn_max_ops = 0 }", "limits.txn_max_ops cannot be 0. Must be at least 1" + at},
      {"segment = \"x\"", "Network segments are not supported in this version of Consul" + at},
      {"segments = [{ name = \"x\" port = 9 }]", "Network segments are not supported in this version of Consul"},
      {"segments = [{ name = \"x\" }]", "Port for segment \"x\" cannot be <= 0"},
      {"connect { ca_provider = \"vault\" }", "must provide a Vault token or configure a Vault auth method"},
      {"limits { request_limits { mode = \"x\" } }",
       "1 error occurred:\n\t* limits.request_limits.mode: invalid mode: \"x\"" + at + "\n\n"},
  };
  for (const auto& [text, error] : cases) EXPECT_EQ(error_of(text), error) << text;

  LoadOptions options{.development = true, .fragments = {"\nretry_interval = \"x\""}};
  set(options.flags, "ports.dns", 70000);
  EXPECT_EQ(load(options, test_host()).error().detail,
            "2 errors occurred:\n\t* ports.dns: invalid port: 70000 (command line)\n\t* retry_interval: invalid "
            "duration: \"x\": time: invalid duration \"x\" (flags-0.hcl line 2)\n\n");
}

TEST_F(ConfigFiles, DeprecatedNamesStillWorkWithAWarning) {
  base::Result<Loaded> loaded = load_text("ca_file = \"ca.pem\" verify_incoming = true acl_datacenter = \"dc1\"");

  ASSERT_TRUE(loaded) << loaded.error().detail;
  EXPECT_EQ(loaded->config.tls.https.ca_file, "ca.pem");
  EXPECT_TRUE(loaded->config.tls.https.verify_incoming);
  EXPECT_FALSE(loaded->config.tls.grpc.verify_incoming);
  EXPECT_TRUE(loaded->config.acls_enabled);
  EXPECT_EQ(loaded->warnings,
            (std::vector<std::string>{
                "The 'acl_datacenter' field is deprecated. Use the 'primary_datacenter' field instead.",
                "The 'ca_file' field is deprecated. Use the 'tls.defaults.ca_file' field instead.",
                "The 'verify_incoming' field is deprecated. Use the 'tls.defaults.verify_incoming' field instead."}));
}

TEST_F(ConfigFiles, AnEmptyNameOfAChoiceIsTheFirstOfThem) {
  const base::Result<Loaded> loaded = load_text("limits { request_limits { mode = \"\" } } tls_min_version = \"\"");

  ASSERT_TRUE(loaded) << loaded.error().detail;
  EXPECT_EQ(loaded->config.request_limits_mode, 0);
  EXPECT_EQ(loaded->config.tls.https.min_version, "TLS_AUTO");
  EXPECT_EQ(loaded->warnings,
            (std::vector<std::string>{
                "'tls_min_version' value '' is deprecated, please specify 'TLS_AUTO' instead",
                "The 'tls_min_version' field is deprecated. Use the 'tls.defaults.tls_min_version' field instead."}));
}

TEST_F(ConfigFiles, EveryDeprecatedKeyWorksWithAWarningThatNamesIt) {
  for (const Key& key : keys()) {
    if (key.use != Use::deprecated) continue;
    Settings file;
    const std::string path(key.path);
    if (path == "raft_boltdb.nofreelistsync") continue;  // with its block
    if (key.type == KeyType::boolean) {
      set(file, path, true);
    } else if (key.type == KeyType::text_list) {
      set(file, path, {}).make_list().emplace_back("127.0.0.1");
    } else if (key.type == KeyType::object) {
      set(file, path + ".nofreelistsync", true);
    } else {
      set(file, path,
          path.ends_with("ttl")       ? "10s"
          : path.ends_with("version") ? "tls12"
          : path.ends_with("suites")  ? "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
          : path.ends_with("policy")  ? "allow"
                                      : "dc1");
    }
    LoadOptions options{.development = true, .paths = {write("a.json", base::to_json(base::Value(file)))}};
    set(options.flags, "ports.grpc_tls", 8503);  // a certificate wants it

    const base::Result<Loaded> loaded = load(options, test_host());

    ASSERT_TRUE(loaded) << path << ": " << loaded.error().detail;
    const bool warned = std::ranges::any_of(
        loaded->warnings, [&](const std::string& warning) { return warning.find("'" + path + "'") != warning.npos; });
    EXPECT_TRUE(warned) << path;
    EXPECT_EQ(find(loaded->given, path) != nullptr, path.starts_with("ui")) << path;  // the UI's move when it is built
  }
}

TEST_F(ConfigFiles, InternalKeysAreNotTheUsersToChange) {
  base::Result<Loaded> loaded = load_text("ae_interval = \"1s\" consul { raft { election_timeout = \"1h\" } }");

  ASSERT_TRUE(loaded) << loaded.error().detail;
  EXPECT_EQ(loaded->config.ae_interval, base::seconds(60));
  EXPECT_EQ(loaded->config.raft_election_timeout, base::seconds(5));
}

TEST_F(ConfigFiles, ServiceDefinitionsKeepChecksWeightsAddressesAndProxies) {
  base::Result<Loaded> loaded = load_text(R"(
    services { id = "a1" name = "a" port = 1 tags = ["x"] meta { k = "v" } token = "t"
      weights { passing = 3 } tagged_addresses { lan { address = "1.2.3.4" port = 5 } }
      checks = [ { id = "t1" ttl = "1m" }, { name = "two" ttl = "2m" status = "warning" } ] check { ttl = "3m" } }
    services { name = "p" kind = "connect-proxy" port = 2
      proxy { destination_service_name = "a" config { x = [1, 2, { y = "z" }] one = [ { a = 1 } ] }
              upstreams { destination_name = "up" local_bind_port = 7 } } })");

  ASSERT_TRUE(loaded) << loaded.error().detail;
  const catalog::ServiceDefinition& a = loaded->config.services[0];
  EXPECT_EQ(a.Weights->Passing, 3);
  EXPECT_EQ(a.Weights->Warning, 1);
  EXPECT_EQ(a.TaggedAddresses.at("lan").Port, 5);
  ASSERT_EQ(a.Checks.size(), 3U);
  EXPECT_EQ(a.Checks[1]->Status, "warning");
  EXPECT_EQ(a.Checks[2]->TTL, base::seconds(180));
  const catalog::ConnectProxyConfig& proxy = *loaded->config.services[1].Proxy;
  EXPECT_EQ(base::to_json(proxy.Config), R"({"one":{"a":1},"x":[1,2,{"y":"z"}]})");
  EXPECT_EQ(proxy.Upstreams[0].DestinationType, "service");
}

TEST_F(ConfigFiles, WhatIsNotBuiltIsRefusedAtStartAndWhatDoesNothingIsNamed) {
  base::Result<Loaded> loaded = load_text(R"(
    server = true bootstrap_expect = 1 telemetry { circonus_api_token = "x" } ports { dns = 1 }
    check { name = "web" http = "http://x" interval = "1s" })");

  ASSERT_TRUE(loaded) << loaded.error().detail;
  EXPECT_EQ(
      not_built(*loaded),
      (std::vector<std::string>{"telemetry.circonus_api_token is set: sending metrics to Circonus is not built yet."}));
  const std::string deny = R"( acl { enabled = true default_policy = "deny" })";
  EXPECT_TRUE(not_built(*load_text("server = true bootstrap_expect = 1" + deny)).empty());
  const base::Result<Loaded> client = load_text("server = false" + deny);
  EXPECT_TRUE(not_built(*client).empty());
  EXPECT_TRUE(without_effect(*client).empty());
  const base::Result<Loaded> gateways = load_text(
      R"(server = true bootstrap_expect = 1 datacenter = "dc2" primary_datacenter = "dc1" primary_gateways = ["1.1.1.1:443"]
         primary_gateways_interval = "9s" connect { enable_mesh_gateway_wan_federation = true })");
  ASSERT_TRUE(gateways) << gateways.error().detail;
  EXPECT_TRUE(not_built(*gateways).empty());
  EXPECT_TRUE(without_effect(*gateways).empty());
  const base::Result<Loaded> alone = load_text(
      R"(server = true bootstrap_expect = 1 datacenter = "dc2" primary_datacenter = "dc1"
         primary_gateways = ["1.1.1.1:443"])");
  EXPECT_EQ(without_effect(*alone),
            (std::vector<std::string>{
                "primary_gateways has no effect: connect.enable_mesh_gateway_wan_federation is not set."}));
  const std::string secondary = "server = true bootstrap_expect = 1 datacenter = \"dc2\" primary_datacenter = \"dc1\" ";
  EXPECT_TRUE(not_built(*load_text(secondary + "acl { enabled = true }")).empty());
  loaded = load_text(secondary + "acl { enabled = true enable_token_replication = true }");
  EXPECT_TRUE(not_built(*loaded).empty());
  EXPECT_TRUE(without_effect(*loaded).empty()) << without_effect(*loaded).front();
  EXPECT_TRUE(not_built(*load_text("bootstrap_expect = 3 server = true")).empty());
  EXPECT_TRUE(not_built(*load_text("")).empty());
}

TEST_F(ConfigFiles, AReloadKnowsWhatChangedAndWhatMustWait) {
  base::Result<Loaded> before = load_text("log_level = \"INFO\" ports { http = 1 } service { name = \"a\" }");
  base::Result<Loaded> after = load_text("log_level = \"WARN\" ports { http = 2 } service { name = \"b\" }");
  ASSERT_TRUE(before && after);

  std::vector<Change> found = changes(before->settings, after->settings);

  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].path + (found[0].reloadable ? "+" : "-"), "log_level+");
  EXPECT_EQ(found[1].path + (found[1].reloadable ? "+" : "-"), "ports.http-");
  EXPECT_EQ(found[2].path + (found[2].reloadable ? "+" : "-"), "services+");
}

TEST_F(ConfigFiles, TheDebugViewHidesSecretsAndShowsAddressesAndDurationsAsText) {
  base::Result<Loaded> loaded = load_text(
      "acl { tokens { default = \"secret-1\" } } retry_join = [\"provider=aws access_key_id=secret-2 tag=x\"]\n"
      "service { name = \"a\" token = \"secret-3\" }\nwatches = [{ type = \"key\" token = \"secret-4\" }]");
  ASSERT_TRUE(loaded) << loaded.error().detail;

  const std::string text = base::to_json(debug_view(loaded->config));

  EXPECT_EQ(text.find("secret-"), text.npos);
  EXPECT_NE(text.find(R"("RetryJoinLAN":["provider=aws access_key_id=hidden tag=x"])"), text.npos);
  EXPECT_NE(text.find(R"("HTTPAddrs":["tcp://127.0.0.1:8500"])"), text.npos);
  EXPECT_NE(text.find(R"("MaxQueryTime":"10m0s")"), text.npos);
  EXPECT_NE(text.find(R"("BuildDate":"1970-01-01 00:00:01 +0000 UTC")"), text.npos);
}

TEST_F(ConfigFiles, TheDebugViewShowsDefinitionsAsConsulDoes) {
  base::Result<Loaded> loaded = load_text(
      "service { name = \"a\" connect { sidecar_service {} } } check { name = \"c\" ttl = \"10s\" }\n"
      "watches = [{ type = \"key\" key = \"a\" }] connect { ca_config { private_key_type = \"ec\" } }");
  ASSERT_TRUE(loaded) << loaded.error().detail;

  const base::Value view(debug_view(loaded->config));

  const base::Value& service = view.find("Services")->as_list()->front();
  EXPECT_NE(service.find("EnterpriseMeta"), nullptr);
  EXPECT_NE(service.find("Connect")->find("SidecarService")->find("EnterpriseMeta"), nullptr);
  EXPECT_NE(view.find("Checks")->as_list()->front().find("EnterpriseMeta"), nullptr);
  EXPECT_EQ(base::to_json(*view.find("Watches")), "[{}]");
  EXPECT_EQ(base::to_json(*view.find("ConnectCAConfig")), R"({"PrivateKeyType":"ec"})");
}

TEST(ConfigAddresses, TheAdvertisedAddressOfAnAnyAddressIsTheOnlyPrivateOne) {
  Surroundings host = test_host();
  LoadOptions options{.development = true};
  set(options.flags, "bind_addr", "0.0.0.0");

  EXPECT_EQ(load(options, host).error().detail,
            "Multiple private IPv4 addresses found. Please configure one with 'bind' and/or 'advertise'.");
  std::erase_if(host.interfaces, [](const InterfaceAddress& a) { return a.name == "eth1"; });
  EXPECT_EQ(load(options, host)->config.advertise_addr_lan.to_string(), "10.1.2.3");
  host.interfaces.clear();
  EXPECT_EQ(load(options, host).error().detail, "No private IPv4 address found");
}

TEST_F(ConfigFiles, UnixSocketsAndSeveralAddressesListenForClients) {
  base::Result<Loaded> loaded =
      load_text("client_addr = \"127.0.0.1 127.0.0.2\" addresses { http = \"unix:///run/a.sock\" }");

  ASSERT_TRUE(loaded) << loaded.error().detail;
  EXPECT_EQ(loaded->config.http_addrs[0].to_url(), "unix:///run/a.sock");
  ASSERT_EQ(loaded->config.dns_addrs.size(), 4U);
  EXPECT_EQ(loaded->config.dns_addrs[3].to_url(), "udp://127.0.0.2:8600");
  EXPECT_EQ(local_endpoints(loaded->config).unix_socket, "unix:///run/a.sock");
}

TEST_F(ConfigFiles, TheNodeIdIsDrawnOnceAndKept) {
  Config config;
  config.data_dir = (folder_ / "data").string();
  config.disable_host_node_id = true;
  base::SeededRandom random(1);

  base::Result<std::string> first = settle_node_id(config, random);
  base::Result<std::string> second = settle_node_id(config, random);

  ASSERT_TRUE(first && second);
  EXPECT_EQ(*first, *second);
  write("data/node-id", "broken");
  EXPECT_EQ(settle_node_id(config, random).error().detail,
            "NodeID in " + config.data_dir + "/node-id is invalid: uuid string is wrong length");
  config.node_id = "12121212-3434-5656-7878-90909090909A";
  EXPECT_EQ(*settle_node_id(config, random), "12121212-3434-5656-7878-90909090909a");
  config.node_id = "zz";
  EXPECT_EQ(settle_node_id(config, random).error().detail, "specified NodeID is invalid: uuid string is wrong length");
}

TEST_F(ConfigFiles, PathsThatCannotBeReadAreNamed) {
  const auto error = [&](const std::string& path) {
    LoadOptions options{.paths = {path}};
    return load(options, test_host()).error().detail;
  };

  write("conf/x.hcl", "x {");
  EXPECT_TRUE(
      error((folder_ / "conf/./").string()).starts_with("failed to parse " + (folder_ / "conf/x.hcl").string() + ": "));
  EXPECT_EQ(error("/none.hcl"), "config: Open failed on /none.hcl. open /none.hcl: no such file or directory");
  const std::string text = write("a.txt", "server = true");
  EXPECT_EQ(error(text),
            "file " + text + " has unknown extension; must be .hcl or .json, or config format must be set");
  const LoadOptions options{.format = "bad"};
  EXPECT_EQ(load(options, test_host()).error().detail, "config: -config-format must be either 'hcl' or 'json'");
}

}  // namespace
}  // namespace proconsul::agent::config
