#include "agent/local/files.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/json.h"

namespace proconsul::agent::local {

PROCONSUL_DESCRIBE_TYPE(PersistedService, "agent.persistedService") {
  type.field("Token", &PersistedService::Token);
  type.field("Service", &PersistedService::Service);
  type.field("Source", &PersistedService::Source);
  type.field("LocallyRegisteredAsSidecar", &PersistedService::LocallyRegisteredAsSidecar).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(PersistedCheck, "agent.persistedCheck") {
  type.field("Check", &PersistedCheck::Check);
  type.field("ChkType", &PersistedCheck::ChkType);
  type.field("Token", &PersistedCheck::Token);
  type.field("Source", &PersistedCheck::Source);
}

PROCONSUL_DESCRIBE_TYPE(PersistedCheckState, "agent.persistedCheckState") {
  type.field("CheckID", &PersistedCheckState::CheckID);
  type.field("Output", &PersistedCheckState::Output);
  type.field("Status", &PersistedCheckState::Status);
  type.field("Expires", &PersistedCheckState::Expires);
}

PROCONSUL_DESCRIBE_TYPE(PersistedServiceConfig, "agent.persistedServiceConfig") {
  type.field("ServiceID", &PersistedServiceConfig::ServiceID);
  type.field("Defaults", &PersistedServiceConfig::Defaults);
}

namespace {

namespace fs = std::filesystem;
using base::Errc;
using base::Result;

constexpr std::string_view kServices = "services", kServiceConfigs = "services/configs", kChecks = "checks",
                           kStates = "checks/state";
constexpr std::size_t kMostUnsynced = 256;         // files held open until they are synced
constexpr std::size_t kFewUnsynced = 4;            // more are synced with their whole file system
constexpr std::uintmax_t kLargestFile = 16 << 20;  // ours are a few kilobytes

std::string file_name(std::string_view id) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(id.data()), id.size(), digest);
  std::string name;
  for (const unsigned char byte : digest) {
    constexpr std::string_view kHex = "0123456789abcdef";
    name += kHex[byte >> 4];
    name += kHex[byte & 15];
  }
  return name;
}

Result<> failed(const std::string& what, const std::string& path) {
  return {Errc::internal, what + ' ' + path + ": " + std::strerror(errno)};
}

Result<> write_all(int file, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written < 0) return failed("cannot write", path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

/// The file opened for writing; its folder is made if it is missing.
base::net::Fd open_file(const std::string& path, int flags) {
  base::net::Fd file(open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC | flags, 0600));
  if (file || errno != ENOENT) return file;
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  return base::net::Fd(open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC | flags, 0600));
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

template <class Persisted, class Whole>
std::vector<Persisted> read_all(const std::string& folder, std::vector<std::string>& faults, Whole whole) {
  std::vector<Persisted> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (!entry.is_regular_file() || entry.path().extension() == ".tmp") continue;
    Persisted persisted{};
    Result<> read = entry.file_size() > kLargestFile ? Result<>(Errc::corrupt, "the file is too large")
                                                     : base::read_json(read_file(entry.path()), persisted);
    if (read && !whole(persisted)) read = {Errc::corrupt, "its main part is missing"};
    if (read) {
      found.push_back(std::move(persisted));
    } else {
      faults.push_back(entry.path().string() + ": " + read.error().detail);
    }
  }
  return found;
}

}  // namespace

std::string Files::path(std::string_view folder, std::string_view id) const {
  return data_dir_ + '/' + std::string(folder) + '/' + file_name(id);
}

Result<> Files::write(std::string_view folder, std::string_view id, std::string_view text) {
  if (unsynced_.size() >= kMostUnsynced) {
    if (Result<> synced = sync(); !synced) return synced;
  }
  // Complete or not at all: written beside the old file, then renamed over it.
  const std::string name = path(folder, id), temporary = name + ".tmp";
  base::net::Fd file = open_file(temporary, O_TRUNC);
  if (!file) return failed("cannot write", temporary);
  if (Result<> written = write_all(file.get(), text, temporary); !written) return written;
  if (rename(temporary.c_str(), name.c_str()) != 0) return failed("cannot write", name);
  unsynced_.push_back(std::move(file));
  unsynced_folders_.insert(data_dir_ + '/' + std::string(folder));
  return {};
}

Result<> Files::sync() {
  if (unsynced_.empty()) return {};
  const std::vector<base::net::Fd> files = std::exchange(unsynced_, {});
  const std::set<std::string> folders = std::exchange(unsynced_folders_, {});
  // One wait for many: a disk that takes milliseconds for each would hold up whoever registers in bulk.
  if (files.size() > kFewUnsynced) {
    return syncfs(files.front().get()) == 0 ? Result<>() : failed("cannot sync", data_dir_);
  }
  Result<> result{};
  for (const base::net::Fd& file : files) {
    if (fdatasync(file.get()) != 0) result = failed("cannot sync a file in", data_dir_);
  }
  for (const std::string& folder : folders) {
    const base::net::Fd directory(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory || fsync(directory.get()) != 0) result = failed("cannot sync", folder);
  }
  return result;
}

Result<> Files::save(const PersistedService& service) {
  if (data_dir_.empty()) return {};
  return write(kServices, service.Service->ID, base::to_json(service));
}

Result<> Files::save(const PersistedCheck& check) {
  if (data_dir_.empty()) return {};
  return write(kChecks, check.Check->CheckID, base::to_json(check));
}

Result<> Files::save(const PersistedServiceConfig& config) {
  if (data_dir_.empty()) return {};
  return write(kServiceConfigs, config.ServiceID, base::to_json(config));
}

Result<> Files::save(const PersistedCheckState& state) const {
  if (data_dir_.empty()) return {};
  const std::string name = path(kStates, state.CheckID);
  const base::net::Fd file = open_file(name, 0);
  if (!file) return failed("cannot write", name);
  // In place: a rename over an old file would start I/O each time. Should the process end between these two calls, the
  // file may be read as broken, which is as if there were none.
  const std::string text = base::to_json(state);
  if (Result<> written = write_all(file.get(), text, name); !written) return written;
  if (ftruncate(file.get(), static_cast<off_t>(text.size())) != 0) return failed("cannot write", name);
  return {};
}

void Files::forget_service(std::string_view id) const {
  if (data_dir_.empty()) return;
  unlink(path(kServices, id).c_str());
  unlink(path(kServiceConfigs, id).c_str());
}

void Files::forget_check(std::string_view id) const {
  if (!data_dir_.empty()) unlink(path(kChecks, id).c_str());
}

void Files::forget_check_state(std::string_view id) const {
  if (!data_dir_.empty()) unlink(path(kStates, id).c_str());
}

std::vector<PersistedService> Files::services(std::vector<std::string>& faults) const {
  if (data_dir_.empty()) return {};
  return read_all<PersistedService>(data_dir_ + '/' + std::string(kServices), faults,
                                    [](const PersistedService& service) { return bool(service.Service); });
}

std::vector<PersistedCheck> Files::checks(std::vector<std::string>& faults) const {
  if (data_dir_.empty()) return {};
  return read_all<PersistedCheck>(data_dir_ + '/' + std::string(kChecks), faults,
                                  [](const PersistedCheck& check) { return bool(check.Check); });
}

std::optional<catalog::ServiceConfig> Files::service_config(std::string_view id) const {
  if (data_dir_.empty()) return std::nullopt;
  const std::string file = path(kServiceConfigs, id);
  std::error_code error;
  const std::uintmax_t size = fs::file_size(file, error);
  if (error || size > kLargestFile) return std::nullopt;
  PersistedServiceConfig persisted{};
  if (!base::read_json(read_file(file), persisted) || !persisted.Defaults) return std::nullopt;
  return std::move(*persisted.Defaults);
}

bool Files::check_state(std::string_view id, std::int64_t now, PersistedCheckState& state) const {
  if (data_dir_.empty()) return false;
  const std::string file = path(kStates, id);
  if (!fs::exists(file)) return false;
  if (base::read_json(read_file(file), state) && now < state.Expires) return true;
  forget_check_state(id);
  return false;
}

}  // namespace proconsul::agent::local
