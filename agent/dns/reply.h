// An answer before it is cut to what its way allows, and the cutting.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/dns/message.h"
#include "agent/dns/settings.h"

namespace proconsul::agent::dns {

enum class Transport : std::uint8_t { udp, tcp };

/// No message is larger than this; a buffer that holds a little more lets the cutting see what would not fit.
inline constexpr std::size_t kBufferSize = 66 * 1024;

/// How many answers can matter: what is beyond is only known to exist.
std::size_t most_answers(const Settings& settings, Transport transport, const Query& query);

struct Reply {
  std::uint8_t rcode = kNoError;
  bool authoritative = true;
  bool more = false;  // there were further answers than are here
  std::vector<Record> answers{};
  std::vector<Record> authorities{};
  std::vector<Record> additional{};
  std::vector<std::shared_ptr<const void>> kept{};  // what the records refer to

  void clear();
  /// Text that lives as long as the reply.
  std::string_view keep(std::string text);
};

/// Writes replies; one thread's, reused from answer to answer.
class ReplyWriter {
 public:
  /// Cuts the reply to what the transport and the client take, and writes it; returns its size. `out` holds
  /// kBufferSize. `trim` is false for reverse look-ups, which are never cut.
  std::size_t write(const Settings& settings, Transport transport, const Query& query, Reply& reply, bool trim,
                    std::span<char> out);

 private:
  struct Plan {
    std::size_t answers;
    bool synced;  // only the additional records that the answers point to
    bool compress;
    bool operator==(const Plan&) const = default;
  };
  std::size_t encode(const Plan& plan, std::size_t limit);
  std::size_t best_fit(Plan plan, std::size_t limit);
  void sync();
  bool trim_udp(Plan& plan);
  bool trim_tcp(Plan& plan);
  const Record* find_additional(const NameRef& name) const;

  const Settings* settings_ = nullptr;
  const Query* query_ = nullptr;
  Reply* reply_ = nullptr;
  std::span<char> out_{};
  MessageWriter writer_{{}};
  bool is_synced_ = false;
  std::vector<const Record*> synced_{};        // what answers point to, in their order
  std::vector<std::uint32_t> synced_until_{};  // how many of them the first n answers need
  std::vector<const Record*> index_{};         // of additional records by name: a hash table
  // The last encode(): what it was to write, how far it came, and its size (above its limit if it did not end).
  std::optional<Plan> encoded_{};
  std::size_t written_ = 0;
  std::size_t encoded_size_ = 0;
};

}  // namespace proconsul::agent::dns
