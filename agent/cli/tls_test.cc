#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "agent/cli/files.h"
#include "agent/cli/test_agent.h"
#include "raft/temporary_directory.h"

namespace proconsul::agent::cli {
namespace {

using testing::HasSubstr;

// The commands write into the current folder; each test has its own.
class CliTls : public testing::Test {
 protected:
  CliTls() : before_(std::filesystem::current_path()) { std::filesystem::current_path(folder_.path()); }
  ~CliTls() override { std::filesystem::current_path(before_); }

  std::string text(const std::string& file) {
    const base::Result<std::string> pem = read_file(file);
    EXPECT_TRUE(pem) << file;
    if (!pem) return {};
    BIO* in = BIO_new_mem_buf(pem->data(), static_cast<int>(pem->size()));
    BIO* out = BIO_new(BIO_s_mem());
    X509* certificate = PEM_read_bio_X509(in, nullptr, nullptr, nullptr);
    X509_print(out, certificate);
    char* data = nullptr;
    const long size = BIO_get_mem_data(out, &data);
    std::string printed(data, static_cast<std::size_t>(size));
    X509_free(certificate);
    BIO_free(in);
    BIO_free(out);
    return printed;
  }
  static unsigned mode(const char* file) {
    struct stat info{};
    ::stat(file, &info);
    return info.st_mode & 0777;
  }

  raft::TemporaryDirectory folder_;
  std::filesystem::path before_;
};

TEST_F(CliTls, ACaIsMadeOnceAndItsKeyIsPrivate) {
  const Outcome made = run_line({"tls", "ca", "create"});
  const Outcome again = run_line({"tls", "ca", "create"});

  EXPECT_EQ(made.out, "==> Saved consul-agent-ca.pem\n==> Saved consul-agent-ca-key.pem\n");
  EXPECT_EQ(mode("consul-agent-ca.pem"), 0644u);
  EXPECT_EQ(mode("consul-agent-ca-key.pem"), 0600u);
  EXPECT_THAT(*read_file("consul-agent-ca-key.pem"), testing::StartsWith("-----BEGIN EC PRIVATE KEY-----\n"));
  const std::string printed = text("consul-agent-ca.pem");
  EXPECT_THAT(printed, testing::ContainsRegex("Subject: CN ?= ?Consul Agent CA [0-9]+\n"));
  EXPECT_THAT(printed, HasSubstr("NIST CURVE: P-256"));
  EXPECT_THAT(printed, HasSubstr("CA:TRUE"));
  EXPECT_THAT(printed, HasSubstr("Digital Signature, Certificate Sign, CRL Sign"));
  EXPECT_EQ(again.code, 1);
  EXPECT_EQ(again.err, "consul-agent-ca.pem already exists.\n");
}

TEST_F(CliTls, CertificatesAreNumberedAndNamedForTheirUse) {
  run_line({"tls", "ca", "create"});

  const Outcome server = run_line({"tls", "cert", "create", "-server", "-dc=dc2", "-node=x",
                                   "-additional-dnsname= a.b ", "-additional-ipaddress=10.0.0.1"});
  const Outcome client = run_line({"tls", "cert", "create", "-client"});
  run_line({"tls", "cert", "create", "-client"});
  run_line({"tls", "cert", "create", "-cli"});

  EXPECT_THAT(server.out, HasSubstr("==> Using consul-agent-ca.pem and consul-agent-ca-key.pem\n"
                                    "==> Saved dc2-server-consul-0.pem\n==> Saved dc2-server-consul-0-key.pem\n"));
  EXPECT_THAT(text("dc2-server-consul-0.pem"),
              testing::AllOf(HasSubstr("DNS:a.b, DNS:x.server.dc2.consul, DNS:server.dc2.consul, DNS:localhost, IP "
                                       "Address:10.0.0.1, IP Address:127.0.0.1"),
                             HasSubstr("TLS Web Server Authentication, TLS Web Client Authentication")));
  EXPECT_THAT(text("dc1-client-consul-0.pem"),
              HasSubstr("TLS Web Client Authentication, TLS Web Server Authentication"));
  EXPECT_TRUE(file_exists("dc1-client-consul-1-key.pem"));
  EXPECT_THAT(text("dc1-cli-consul-0.pem"), testing::Not(HasSubstr("Extended Key Usage")));
}

TEST_F(CliTls, ASlashInANameMakesAFolder) {
  run_line({"tls", "ca", "create"});

  EXPECT_EQ(run_line({"tls", "ca", "create", "-domain=x/y"}).code, 0);
  EXPECT_EQ(run_line({"tls", "cert", "create", "-client", "-dc=a/b"}).code, 0);

  EXPECT_TRUE(file_exists("x/y-agent-ca.pem"));
  EXPECT_TRUE(file_exists("a/b-client-consul-0.pem") && file_exists("a/b-client-consul-0-key.pem"));
}

TEST_F(CliTls, WhatCannotBeSignedIsNotSaved) {
  run_line({"tls", "ca", "create", "-domain=other", "-name-constraint"});
  run_line({"tls", "ca", "create"});

  const Outcome outside =
      run_line({"tls", "cert", "create", "-server", "-ca=other-agent-ca.pem", "-key=other-agent-ca-key.pem"});
  const Outcome mismatch = run_line({"tls", "cert", "create", "-server", "-key=other-agent-ca-key.pem"});
  const Outcome swapped = run_line({"tls", "cert", "create", "-server", "-key=consul-agent-ca.pem"});
  const Outcome expired = run_line({"tls", "cert", "create", "-server", "-days=0"});
  const Outcome address = run_line({"tls", "cert", "create", "-server", "-additional-ipaddress=ten"});

  EXPECT_THAT(outside.err, HasSubstr("is not authorized to sign for this name"));
  EXPECT_THAT(mismatch.err, HasSubstr("provided PrivateKey doesn't match parent's PublicKey"));
  EXPECT_EQ(swapped.err, "unknown PEM block type for signing key: CERTIFICATE\n");
  EXPECT_THAT(expired.err, HasSubstr("expired"));
  EXPECT_EQ(address.err, "invalid IP address: ten\n");
  EXPECT_FALSE(file_exists("dc1-server-consul-0.pem"));
}

TEST_F(CliTls, ArgumentsThatContradictOneAnotherAreRefused) {
  EXPECT_EQ(run_line({"tls", "cert", "create"}).err, "Please provide either -server, -client, or -cli\n");
  EXPECT_EQ(run_line({"tls", "cert", "create", "-server", "-cli"}).err,
            "Please provide either -server, -client, or -cli\n");
  EXPECT_EQ(run_line({"tls", "cert", "create", "-client", "-node=x"}).err, "-node requires -server\n");
  EXPECT_EQ(run_line({"tls", "cert", "create", "-server", "-ca=none.pem"}).err,
            "Error reading CA: open none.pem: no such file or directory\n");
}

}  // namespace
}  // namespace proconsul::agent::cli
