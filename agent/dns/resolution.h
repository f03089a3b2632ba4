// One question on its way through the resolver.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/dns/resolver.h"
#include "base/random.h"

namespace proconsul::agent::dns {

/// A name that is looked up: the question's, or one that an alias led to.
struct Lookup {
  const QuestionName& name;
  std::uint16_t type;
  std::size_t labels;                  // before the domain
  std::string_view wire;               // the whole name; lives as long as the reply
  std::string_view domain;             // its end, in the question's letter case
  int aliases_left;                    // how many more times an alias may lead into our own domain
  std::size_t most_answers;            // more are not needed
  std::optional<std::uint32_t> ttl{};  // of the service whose alias led here: that of all records
};
/// Where the records of a look-up go.
struct Sections {
  std::vector<Record>& answers;
  std::vector<Record>& additional;
};

/// What became of a look-up.
enum class Found : std::uint8_t { yes, no_name, no_data, failed };

struct Resolution {
  Resolver& resolver;
  const State& state;
  const Settings& settings;
  const Ask& ask;
  const Externals& externals;
  Reply& reply;
  Wants& wants;
  base::SeededRandom random;
  bool only_for_subnet = false;  // the answer depends on where the client is

  Outcome run();

 private:
  // resolver.cc: what is asked for
  void answer_zone();
  Outcome answer_reverse();
  Found dispatch(const Lookup& lookup, const Sections& out);
  struct Place {  // in which datacenter or at which peer
    std::string_view datacenter{}, peer{}, either{};
    std::string_view datacenter_or(std::string_view own) const {
      if (!datacenter.empty()) return datacenter;
      return either.empty() ? own : either;
    }
  };
  /// Whether the token may read a service, of this cluster or of a peer.
  bool reads_service(std::string_view service, std::string_view peer) const;
  std::uint32_t node_ttl(const Lookup& lookup) const { return lookup.ttl.value_or(settings.node_ttl); }
  bool parse_place(const Lookup& lookup, std::size_t first, Place& place) const;
  Found service_names(const Lookup& lookup, std::size_t end, std::size_t suffix, const Sections& out);
  Found mesh_names(const Lookup& lookup, std::size_t end, bool ingress, const Sections& out);
  Found node_names(const Lookup& lookup, std::size_t end, const Sections& out);
  Found virtual_names(const Lookup& lookup, std::size_t end, const Sections& out);
  Found prepared_names(const Lookup& lookup, std::size_t end, const Sections& out);
  Found address_names(const Lookup& lookup, std::size_t end, const Sections& out);
  /// Whether the state here may be shown.
  bool fresh_enough(bool stale_allowed);
  void add_authority();
  Record authority_record();
  void name_servers(std::vector<Record>& names, std::vector<Record>& glue);
  bool name_server(const catalog::Node& node, std::string_view domain, std::string_view domain_name,
                   std::vector<Record>& names, std::vector<Record>& glue);
  void node_records(const Lookup& lookup, const catalog::Node& node, const Sections& out);
  std::string_view response_domain(std::size_t& labels) const;
  bool find_zone(bool& arpa, bool& served) const;

  // remote_records.cc: what others answer
  struct Remote {
    Found found{};
    const RemoteAnswer* answer{};  // null but for Found::yes
  };
  /// What was said of it; Found::failed while it is still to be asked.
  Remote remote(RemoteKey key);
  Found remote_instances(const Lookup& lookup, RemoteKey key, const Sections& out);
  Found remote_query(const Lookup& lookup, std::string_view name, std::string_view datacenter,
                     const std::string& source, const Sections& out);
  std::uint32_t query_ttl(std::string_view service, const std::string& ttl) const;

  // records.cc: what is answered
  Found instance_records(const Lookup& lookup, const ImagePtr& image, const Selection* selection, std::uint32_t ttl,
                         const Sections& out, bool shuffled);
  void service_records(const Lookup& lookup, const Image& image, std::span<const std::uint32_t> chosen,
                       std::uint32_t ttl, const Sections& out, bool shuffled);
  void address_records(const Lookup& lookup, const Image& image, std::span<const std::uint32_t> chosen,
                       std::uint32_t distinct, std::uint32_t ttl, const Sections& out, bool shuffled);
  /// `ttl` is Lookup's.
  void node_record(const catalog::Node& node, std::uint16_t type, const NameRef& owner, int aliases_left,
                   std::optional<std::uint32_t> ttl, std::vector<Record>& out);
  Record address_record(const NameRef& owner, std::string_view ip, std::uint32_t ttl) const;
  /// Addresses of a host by name, and the aliases on the way. `ttl` is of those in our own domain, if given.
  void host_records(std::string_view host, int aliases_left, std::size_t most, std::optional<std::uint32_t> ttl,
                    std::vector<Record>& out);
  bool see(std::uint32_t group);
  void begin_seeing(std::uint32_t groups);
};

}  // namespace proconsul::agent::dns
