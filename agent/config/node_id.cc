#include "agent/config/node_id.h"

#include <openssl/sha.h>
#include <sys/stat.h>

#include <cctype>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "base/files.h"
#include "base/uuid.h"

namespace proconsul::agent::config {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using base::Error;
using base::Result;

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string first_word(const char* path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

/// A hash of what the machine calls itself, so that hosts of one image differ; random where it has no name.
std::string new_id(bool from_host, base::Random& random) {
  if (from_host) {
    for (const char* path : {"/sys/class/dmi/id/product_uuid", "/etc/machine-id", "/proc/sys/kernel/random/boot_id"}) {
      const std::string name = lower(first_word(path));
      if (name.empty()) continue;
      unsigned char hash[SHA512_DIGEST_LENGTH];
      SHA512(reinterpret_cast<const unsigned char*>(name.data()), name.size(), hash);
      return base::format_uuid({reinterpret_cast<const char*>(hash), 16});
    }
  }
  return base::generate_uuid(random);
}

}  // namespace

Result<std::string> settle_node_id(const Config& config, base::Random& random) {
  if (!config.node_id.empty()) {
    std::string id = lower(config.node_id);
    if (Result<std::string> valid = base::parse_uuid(id); !valid) {
      return Error{Errc::invalid_argument, "specified NodeID is invalid: " + valid.error().detail};
    }
    return id;
  }
  if (config.data_dir.empty()) return new_id(!config.disable_host_node_id, random);

  const std::string path = (fs::path(config.data_dir) / "node-id").string();
  std::error_code code;
  if (fs::exists(path, code)) {
    const std::string id = lower(first_word(path.c_str()));
    if (Result<std::string> valid = base::parse_uuid(id); !valid) {
      return Error{Errc::corrupt, "NodeID in " + path + " is invalid: " + valid.error().detail};
    }
    return id;
  }
  std::string id = new_id(!config.disable_host_node_id, random);
  fs::create_directories(config.data_dir, code);
  if (code) return Error{Errc::internal, "mkdir " + config.data_dir + ": " + code.message()};
  if (Result<> written = base::write_file_atomically(path, id, 0600); !written) {
    return Error{written.error().code, "failed to write NodeID to disk: " + written.error().detail};
  }
  return id;
}

}  // namespace proconsul::agent::config
