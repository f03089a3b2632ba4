// Commands that are too large for one log entry travel in several, each marked in its extensions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/msgpack.h"
#include "base/result.h"

namespace proconsul::catalog {

inline constexpr std::size_t kMaxEntryBytes = 512 * 1024;

/// A log entry to be proposed.
struct Chunk {
  std::string data{};
  std::string extensions{};
};
/// Cuts a command; one chunk without extensions if it fits. `operation` is a random number, the same for no other
/// command that is under way.
std::vector<Chunk> cut_command(std::string data, std::uint64_t operation);

/// Collects the parts on every server. Part of the replicated state: it goes into snapshots.
class ChunkCollector {
 public:
  /// A part; the whole command once all parts are there. Parts of another term than this one are forgotten. An error if
  /// the extensions make no sense.
  base::Result<std::optional<std::string>> add(std::uint64_t term, std::string_view data, std::string_view extensions);

  /// The body of snapshot record 29.
  void write(base::MsgpackWriter& writer) const;
  /// Replaces what is here.
  base::Result<> read(base::MsgpackReader& reader);
  bool empty() const { return operations_.empty(); }

 private:
  struct Part {
    std::uint32_t sequence{};
    std::uint32_t count{};
    std::uint64_t term{};
    std::string data{};
  };
  using Parts = std::vector<std::optional<Part>>;
  std::map<std::uint64_t, Parts> operations_{};
  std::uint64_t term_{};
};

}  // namespace proconsul::catalog
