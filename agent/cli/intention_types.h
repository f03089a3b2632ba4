// Intentions as the HTTP API shows them and takes them from clients.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "base/type.h"
#include "catalog/types/config_intentions.h"

namespace proconsul::agent::cli {

struct Intention {
  std::string ID{};
  std::string Description{};
  std::string SourceNS{};
  std::string SourceName{};
  std::string DestinationNS{};
  std::string DestinationName{};
  std::string SourcePartition{};
  std::string DestinationPartition{};
  std::string SourcePeer{};
  std::string SourceSamenessGroup{};
  std::string SourceType{};
  std::string Action{};
  base::List<base::Pointer<catalog::IntentionPermission>> Permissions{};
  std::string DefaultAddr{};
  base::Int DefaultPort{};
  base::Map<std::string> Meta{};
  base::Int Precedence{};
  base::Time CreatedAt{};
  base::Time UpdatedAt{};
  base::Bytes Hash{};
  std::uint64_t CreateIndex{};
  std::uint64_t ModifyIndex{};
};
PROCONSUL_DECLARE_TYPE(Intention)

/// "web", or with a namespace that is not the default one "ns/web".
std::string source_text(const Intention& intention);
std::string destination_text(const Intention& intention);
/// "web => db (allow)", "web => api (2 permissions)"
std::string to_string(const Intention& intention);

/// A service as a command line names it: [[PARTITION/]NAMESPACE/]NAME.
struct IntentionTarget {
  std::string partition{};
  std::string name_space{};
  std::string name{};
};
base::Result<IntentionTarget> parse_intention_target(std::string_view text);

}  // namespace proconsul::agent::cli
