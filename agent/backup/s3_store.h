// Archives as objects of a bucket, in Amazon's S3 or what speaks its protocol.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/backup/s3_signature.h"
#include "agent/backup/store.h"
#include "agent/config/snapshots.h"
#include "base/interrupt.h"
#include "base/net/loop.h"
#include "base/net/resolver.h"
#include "base/net/tls.h"

namespace proconsul::agent::backup {

class S3Store final : public ArchiveStore {
 public:
  /// Requests are made on `loop`; the interrupt ends those under way. All outlive it.
  S3Store(config::SnapshotSchedule::S3 settings, S3Credentials credentials, base::net::Loop& loop,
          base::net::Resolver& resolver, std::shared_ptr<base::net::TlsContext> tls, base::Interrupt& stopping);
  std::string place() const override;
  /// Above 8 MiB in parts, each of which the store checks against its SHA-256. Parts of an upload that fails are given
  /// up.
  base::Result<> put(const std::string& name, raft::ScratchFile& archive) override;
  base::Result<std::vector<std::string>> list(const std::string& beginning) override;
  base::Result<> remove(const std::string& name) override;

 private:
  struct Answer {
    int status{};
    std::string etag{};
    std::string body{};
  };
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  /// Any status below 300 is good; else the error has the store's own words.
  base::Result<Answer> ask(const std::string& method, const std::string& key, Pairs query = {}, std::string body = {},
                           Pairs headers = {});
  base::Result<Answer> exchange(const S3Request& request, Pairs headers, std::string body);
  base::Result<> put_in_parts(const std::string& key, raft::ScratchFile& archive);
  std::string key_of(const std::string& name) const;
  Pairs encryption() const;

  const config::SnapshotSchedule::S3 settings_;
  const S3Credentials credentials_;
  base::net::Loop& loop_;
  base::net::Resolver& resolver_;
  const std::shared_ptr<base::net::TlsContext> tls_;
  base::Interrupt& stopping_;
  std::string host_{};  // Host header
  std::string dial_{};  // "host:port"
  std::string path_{};  // "/bucket" or empty
  bool secure_ = true;
};

/// The texts of all elements of that name in an XML document, unescaped. It is no parser: attributes, comments and
/// CDATA mean nothing, which the store's answers have not.
std::vector<std::string> xml_texts(std::string_view document, std::string_view element);

}  // namespace proconsul::agent::backup
