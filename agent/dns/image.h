// What DNS needs of a service, prepared once for each state of it: its instances that may be shown, and which of them
// carry which tag. A look-up then picks only as many as its answer holds, however many there are.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/dns/instance.h"
#include "agent/dns/settings.h"
#include "agent/tokens/who.h"
#include "base/radix_tree.h"
#include "catalog/registry/instance_row.h"
#include "catalog/store/tables.h"

namespace proconsul::agent::dns {

struct ServiceKey {
  std::string_view service{};
  std::string_view peer{};
  bool connect = false;
  std::string_view datacenter{};  // that was asked; empty for a peer
};

/// Some of an image's instances: those that pass come first, those that warn after them.
struct Selection {
  std::uint32_t begin{};  // in Image::order
  std::uint32_t passing_end{};
  std::uint32_t end{};
  // How many different addresses they have, for each Want: [only passing][want]
  std::uint32_t addresses[2][kWants]{};
};

struct Image {
  static constexpr std::uint32_t kNoGroup = 0xffffffff;
  struct Member {
    std::shared_ptr<const Instance> instance;
    const catalog::InstanceRow* row{};   // null: not of our tables
    std::uint32_t group[kWants]{};       // equal for equal addresses; kNoGroup: it has none, or a host's name
    std::uint32_t node_group[kWants]{};  // the same for the node's address, where a host's name stands before it
    std::uint32_t identity{};            // equal for equal SRV records
  };
  std::vector<Member> members{};  // critical ones are left out
  std::vector<std::uint32_t> order{};
  Selection all{};
  std::vector<std::pair<std::string, Selection>> tags{};  // by tag, in lower case
  std::uint32_t groups = 0;                               // above every group and identity
  bool has_hosts = false;                                 // some instance's address is a host's name
  std::size_t memory = 0;

  /// Null if no instance carries the tag (in lower case).
  const Selection* with_tag(std::string_view tag) const;
};
using ImagePtr = std::shared_ptr<const Image>;

/// From instances in any order, health as the second member says.
class ImageBuilder {
 public:
  void add(std::shared_ptr<const Instance> instance, const catalog::InstanceRow* row, bool passing,
           const base::List<std::string>& tags);
  ImagePtr build();

 private:
  struct Added {
    Image::Member member;
    bool passing;
    std::vector<std::string> tags;
  };
  std::vector<Added> added_{};
};

/// Images of services, as long as there is room for them; any thread.
class Images {
 public:
  explicit Images(std::size_t max_bytes = std::size_t{64} << 20) : max_bytes_(max_bytes) {}
  /// The service as these tables have it and `who` may see it (null: everything); null if there is none (not even a
  /// critical instance).
  ImagePtr get(const catalog::Tables& tables, const Settings& settings, const ServiceKey& key, const tokens::Who* who);
  /// After a change of settings that images depend on.
  void clear();
  std::size_t bytes() const;

 private:
  struct Entry {
    ImagePtr image;
    base::RadixCore::Part part;
    std::shared_ptr<const tokens::Permissions> permissions;  // of who may see it; null: of whoever may see everything
    std::list<std::string>::iterator place;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  static ImagePtr make(const catalog::Tables& tables, const Settings& settings, const ServiceKey& key,
                       const std::string& prefix, const tokens::Who* who, const ImagePtr& before);
  void drop_oldest();

  const std::size_t max_bytes_;
  mutable std::mutex mutex_{};
  std::unordered_map<std::string, Entry, Hash, std::equal_to<>> entries_{};
  std::list<std::string> by_use_{};  // least recently used first
  std::size_t bytes_ = 0;
};

}  // namespace proconsul::agent::dns
