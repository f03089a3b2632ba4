// One stream of incremental xDS, without the stream: what Envoy says goes in, what it is to be told comes out. It sends
// what differs from what Envoy has acknowledged, in the order in which nothing refers to what is not there yet, and of
// each type nothing new before the last message of it was acknowledged or refused.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/xds/messages.h"
#include "agent/xds/resources.h"

namespace proconsul::agent::xds {

class DeltaSession {
 public:
  enum class Heard : std::uint8_t {
    something,  // whatever is to be sent now, is
    refusal,    // Envoy did not take what it was sent: it waits for other resources, or another request
    too_much    // more names of resources than are kept: the stream is of no use any more
  };
  Heard take(const DeltaDiscoveryRequest& request);
  /// What is to be sent now, in order. It counts as sent.
  std::vector<DeltaDiscoveryResponse> updates(const Resources& resources);

 private:
  using Names = std::set<std::string, std::less<>>;
  /// By name; nothing: removed.
  using Changes = std::map<std::string, std::optional<std::string>, std::less<>>;
  struct Type {
    bool asked_for = false;                                      // there was a request
    bool everything = false;                                     // that named no resources
    bool answered = false;                                       // something was acknowledged
    Names names{};                                               // that are subscribed to
    std::map<std::string, std::string, std::less<>> versions{};  // that Envoy has; empty: it lost the resource
    std::map<std::string, Changes, std::less<>> sent{};          // by nonce: not acknowledged yet

    bool wants(std::string_view name) const { return everything || names.contains(name); }
  };
  Type& of(Kind kind) { return types_[static_cast<std::size_t>(kind)]; }
  void subscribe(Kind kind, const std::string& name);
  /// It is remembered that Envoy names it.
  void add_name(Type& type, const std::string& name);
  void endpoints_lost(const std::string& cluster);
  static Changes changes(const Type& type, const Resources::ByName& now);
  std::optional<DeltaDiscoveryResponse> update(const Resources& resources, Kind kind, bool puts, bool removes);
  bool has_unanswered(Kind kind) { return of(kind).asked_for && !of(kind).sent.empty(); }

  std::array<Type, kKinds> types_{};
  Names clusters_sent_{};
  std::size_t named_ = 0;  // bytes of what Envoy named
  std::uint64_t nonce_ = 0;
};

}  // namespace proconsul::agent::xds
