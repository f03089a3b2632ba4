#include "catalog/registry/lookup.h"

#include <algorithm>

#include "catalog/store/key.h"

namespace proconsul::catalog {

using base::Errc;
using base::Error;
using base::Result;

std::string_view peer_part(std::string_view peer) {
  return peer.empty() ? "~" : peer;
}

namespace {

std::string joined(std::initializer_list<std::string_view> parts) {
  std::size_t size = 0;
  for (const std::string_view part : parts) size += part.size();
  std::string text;
  text.reserve(size);
  for (const std::string_view part : parts) text += part;
  return text;
}

}  // namespace

std::string peer_index(std::string_view peer, std::string_view name) {
  return joined({"peer.", peer_part(peer), ":", name});
}

std::string service_index(std::string_view peer, std::string_view service) {
  return joined({"peer.", peer_part(peer), ":service.", service});
}

std::string node_index(std::string_view peer, std::string_view node) {
  return joined({"peer.", peer_part(peer), ":node.", node});
}

std::string_view kind_text(std::string_view kind) {
  return kind.empty() ? "typical" : kind;
}

const NodeRow* find_node(const Tables& tables, std::string_view node, std::string_view peer) {
  return tables.nodes.get(index_key({peer_part(peer), node}));
}

const ServiceRow* find_service(const Tables& tables, std::string_view node, std::string_view service_id,
                               std::string_view peer) {
  return tables.services.get(index_key({peer_part(peer), node, service_id}));
}

const CheckRow* find_check(const Tables& tables, std::string_view node, std::string_view check_id,
                           std::string_view peer) {
  return tables.checks.get(index_key({peer_part(peer), node, check_id}));
}

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string quoted_char(char c) {
  // Go's %#U, for the printable characters that a node ID may hold.
  static constexpr char kDigits[] = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  std::string text = "U+00";
  text += kDigits[byte >> 4];
  text += kDigits[byte & 15];
  if (byte >= 0x20 && byte < 0x7f) {
    text += " '";
    text += c;
    text += '\'';
  }
  return text;
}

// Up to 16 bytes from up to 36 characters of UUID text.
Result<std::string> uuid_bytes(std::string_view text) {
  if (text.size() > 36) {
    return Error{Errc::internal, "Invalid UUID length. UUID have 36 characters; got " + std::to_string(text.size())};
  }
  const auto hyphens = std::count(text.begin(), text.end(), '-');
  if (hyphens > 4) {
    return Error{Errc::internal, "UUID should have maximum of 4 \"-\"; got " + std::to_string(hyphens)};
  }
  std::string digits;
  for (const char c : text) {
    if (c != '-') digits += c;
  }
  if (digits.size() % 2 != 0) return Error{Errc::internal, "UUID (without hyphens) must be even length"};
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const int high = hex_digit(digits[i]);
    const int low = hex_digit(digits[i + 1]);
    if (high < 0 || low < 0) {
      return Error{Errc::internal,
                   "invalid UUID: encoding/hex: invalid byte: " + quoted_char(digits[high < 0 ? i : i + 1])};
    }
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

}  // namespace

std::string node_id_key(std::string_view peer, std::string_view bytes) {
  std::string key = index_key({peer_part(peer)});
  key += bytes;
  return key;
}

Result<const NodeRow*> find_node_by_id(const Tables& tables, std::string_view id, std::string_view peer) {
  Result<std::string> bytes = uuid_bytes(id);
  if (!bytes) return Error{Errc::internal, "node lookup by ID failed: index error: " + bytes.error().detail};
  const auto found = tables.nodes_by_id.prefix(node_id_key(peer, *bytes));
  return found ? found.row() : nullptr;
}

Result<std::string> node_id_bytes(std::string_view id) {
  if (id.size() != 36) return Error{Errc::internal, "UUID must be 36 characters"};
  return uuid_bytes(id);
}

const NodeRow* find_node_by_id_prefix(const Tables& tables, std::string_view prefix, std::string_view peer,
                                      bool& many) {
  many = false;
  Result<std::string> bytes = uuid_bytes(prefix.substr(0, prefix.size() & ~std::size_t{1}));
  if (!bytes) return nullptr;
  auto found = tables.nodes_by_id.prefix(node_id_key(peer, *bytes));
  if (!found) return nullptr;
  const NodeRow* row = found.row();
  found.next();
  many = static_cast<bool>(found);
  return many ? nullptr : row;
}

const NodeRow* find_node_by_name_or_id(const Tables& tables, std::string_view name_or_id, std::string_view peer,
                                       bool* many) {
  const NodeRow* row = find_node(tables, name_or_id, peer);
  bool several = false;
  if (row == nullptr && name_or_id.size() >= kMinNodeIdLength) {
    row = find_node_by_id_prefix(tables, name_or_id, peer, several);
  }
  if (many != nullptr) *many = several;
  return row;
}

}  // namespace proconsul::catalog
