// What a row of the table says of itself, for the limits that count it and for the document that the agent serves
// (openapi.h). What follows from a row's flags and its kind of handler is not said again.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "agent/tokens/needs.h"

namespace proconsul::base {
struct Type;
}

namespace proconsul::agent::http {

using TypeFn = const base::Type& (*)();  // base::type_of<T>

/// Parameters of the query that a handler looks at; openapi.cc says what each one is.
namespace param {
inline constexpr std::uint64_t kNear = 1ull << 0;
inline constexpr std::uint64_t kNodeMeta = 1ull << 1;
inline constexpr std::uint64_t kTag = 1ull << 2;
inline constexpr std::uint64_t kPassing = 1ull << 3;
inline constexpr std::uint64_t kPeer = 1ull << 4;
inline constexpr std::uint64_t kSamenessGroup = 1ull << 5;
inline constexpr std::uint64_t kMergeCentralConfig = 1ull << 6;
inline constexpr std::uint64_t kFilter = 1ull << 7;
inline constexpr std::uint64_t kRaw = 1ull << 8;
inline constexpr std::uint64_t kKeys = 1ull << 9;
inline constexpr std::uint64_t kRecurse = 1ull << 10;
inline constexpr std::uint64_t kSeparator = 1ull << 11;
inline constexpr std::uint64_t kFlags = 1ull << 12;
inline constexpr std::uint64_t kCas = 1ull << 13;
inline constexpr std::uint64_t kAcquire = 1ull << 14;
inline constexpr std::uint64_t kRelease = 1ull << 15;
inline constexpr std::uint64_t kEnable = 1ull << 16;
inline constexpr std::uint64_t kReason = 1ull << 17;
inline constexpr std::uint64_t kNote = 1ull << 18;
inline constexpr std::uint64_t kFormat = 1ull << 19;
inline constexpr std::uint64_t kReplaceExistingChecks = 1ull << 20;
inline constexpr std::uint64_t kId = 1ull << 21;
inline constexpr std::uint64_t kAddress = 1ull << 22;
inline constexpr std::uint64_t kLogLevel = 1ull << 23;
inline constexpr std::uint64_t kLogJson = 1ull << 24;
inline constexpr std::uint64_t kWan = 1ull << 25;
inline constexpr std::uint64_t kSegment = 1ull << 26;
inline constexpr std::uint64_t kHash = 1ull << 27;
inline constexpr std::uint64_t kGlobal = 1ull << 28;
inline constexpr std::uint64_t kDatacenter = 1ull << 29;
inline constexpr std::uint64_t kNode = 1ull << 30;
inline constexpr std::uint64_t kService = 1ull << 31;
inline constexpr std::uint64_t kName = 1ull << 32;
inline constexpr std::uint64_t kLimit = 1ull << 33;
inline constexpr std::uint64_t kConnect = 1ull << 34;
inline constexpr std::uint64_t kTopic = 1ull << 35;
inline constexpr std::uint64_t kPrefix = 1ull << 36;
inline constexpr std::uint64_t kAfter = 1ull << 37;
inline constexpr std::uint64_t kFromIndex = 1ull << 38;
inline constexpr std::uint64_t kPrune = 1ull << 39;
inline constexpr std::uint64_t kRelayFactor = 1ull << 40;
inline constexpr std::uint64_t kLocalOnly = 1ull << 41;
inline constexpr std::uint64_t kSource = 1ull << 42;
inline constexpr std::uint64_t kDestination = 1ull << 43;
inline constexpr std::uint64_t kSourceType = 1ull << 44;
inline constexpr std::uint64_t kBy = 1ull << 45;
inline constexpr std::uint64_t kNames = 1ull << 46;
inline constexpr std::uint64_t kCompileDatacenter = 1ull << 47;
inline constexpr std::uint64_t kPem = 1ull << 48;
inline constexpr std::uint64_t kKind = 1ull << 49;
}  // namespace param

/// An answer that is no success and that clients may meet: its whole body as a regular expression, and what it means.
struct Failure {
  int status;
  const char* text;
  const char* why;
};

enum class Content : std::uint8_t { json, text, octets, gzip, events, nothing };

struct Description {
  tokens::Needs needs{};       // of the token, for all that is answered here
  std::string_view rpc{};      // the RPC by which Consul does it, "KVS.Get"; empty: the agent answers by itself
  std::string_view metric{};   // "catalog_nodes": counted under client.api.* and client.rpc.error.*
  std::string_view summary{};  // one line
  std::string_view rest{};     // the name of what follows a pattern that ends in '/'
  std::uint64_t params{};      // of `param`
  TypeFn body{};               // of a JSON body; null: none, or one of octets
  bool takes_octets = false;
  TypeFn answer{};                        // of a JSON answer
  Content gives = Content::json;          // of a success
  bool also_text = false;                 // the answer may be plain text instead
  bool may_be_empty = false;              // or nothing at all
  std::array<int, 3> same_answer_with{};  // further statuses with an answer as above
  std::array<const Failure*, 6> failures{};
};

}  // namespace proconsul::agent::http
