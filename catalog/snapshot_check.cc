#include "catalog/snapshot_check.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/msgpack.h"
#include "base/msgpack_unknown.h"
#include "catalog/snapshot_records.h"

namespace proconsul::catalog {

using base::Errc;
using base::Error;
using base::Result;

namespace {

/// What is told must stay readable, whatever the archive is full of.
constexpr std::size_t kMostRows = 32;
constexpr std::size_t kLongestText = 120;

std::string readable(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kLongestText)) out += c >= ' ' && c <= '~' ? c : '?';
  if (text.size() > kLongestText) out += "...";
  return out;
}

/// Whether the value of a key says that the record is not the default tenant's.
Result<> check_tenant(std::string_view key, std::string_view value) {
  if (key != "Namespace" && key != "Partition") return {};
  base::MsgpackReader reader(value);
  const std::string_view name = reader.string();
  if (!reader.ok() || name.empty() || name == "default") return {};
  return {Errc::corrupt, "it belongs to the " + std::string(key == "Namespace" ? "namespace " : "partition ") +
                             readable(name) + ", and there are none here"};
}

bool is_tenant_key(std::string_view key) {
  return key == "Namespace" || key == "Partition";
}

}  // namespace

void SnapshotChecker::begin(std::uint8_t number) {
  constexpr Record kAccessControl[] = {Record::acl_token, Record::acl_policy, Record::acl_role,
                                       Record::acl_binding_rule, Record::acl_auth_method};
  of_access_control_ = std::ranges::find(kAccessControl, static_cast<Record>(number)) != std::end(kAccessControl);
  fields_.clear();
}

Result<> SnapshotChecker::examine(std::string_view body, const base::Type& type) {
  Result<> ours;
  base::each_unknown_key(body, type, [&](std::string_view path, std::string_view value) {
    const std::string_view key = path.substr(path.rfind('.') + 1);
    if (!ours) return;
    ours = check_tenant(key, value);
    if (!is_tenant_key(key)) fields_.emplace_back(readable(path));
  });
  if (ours && of_access_control_ && !fields_.empty()) {
    ours = Error{Errc::corrupt,
                 "it has the field " + fields_.front() + ", which is not known, and might allow more without it"};
  }
  return ours;
}

Result<> SnapshotChecker::examine_foreign(std::string_view body) {
  base::MsgpackReader reader(body);
  for (std::size_t left = reader.map(); left > 0 && reader.ok(); --left) {
    const std::string_view key = reader.string();
    const std::string_view rest = reader.rest();
    const std::size_t start = reader.position();
    reader.skip();
    if (!reader.ok()) break;
    if (Result<> ours = check_tenant(key, rest.substr(0, reader.position() - start)); !ours) return ours;
  }
  return {};  // what is no map is kept, too
}

void SnapshotChecker::keep(std::uint8_t number) {
  std::ranges::sort(fields_);
  const auto repeated = std::ranges::unique(fields_);
  fields_.erase(repeated.begin(), repeated.end());
  for (const std::string& field : fields_) count({number, field, "it is not known"});
  fields_.clear();
}

void SnapshotChecker::leave_out(std::uint8_t number, const Error& reason, std::uint64_t offset, std::uint64_t size) {
  count({number, "", readable(reason.detail)});
  fields_.clear();
  if (!left_out_.empty() && left_out_.back().offset + left_out_.back().size == offset) {
    left_out_.back().size += size;
  } else {
    left_out_.push_back({offset, size});
  }
}

void SnapshotChecker::count(Key key) {
  if (auto found = rows_.find(key); found != rows_.end()) {
    ++found->second;
  } else if (rows_.size() < kMostRows) {
    rows_.emplace(std::move(key), 1);
  } else {
    ++others_;
  }
}

SnapshotCheck SnapshotChecker::take() {
  SnapshotCheck check{.left_out = std::move(left_out_)};
  for (const auto& [key, records] : rows_) {
    check.losses.push_back({.Record = record_name(std::get<0>(key)),
                            .Field = std::get<1>(key),
                            .Reason = std::get<2>(key),
                            .Count = records});
  }
  if (others_ > 0)
    check.losses.push_back({.Record = "(others)", .Reason = "there are too many kinds", .Count = others_});
  return check;
}

Result<> copy_without(std::span<const SnapshotCheck::Range> left_out, const ReadBytes& read, const WriteBytes& write) {
  std::string buffer(256 * 1024, '\0');
  std::uint64_t at = 0;
  for (;;) {
    Result<std::size_t> got = read(std::span(buffer.data(), buffer.size()));
    if (!got) return got.error();
    if (*got == 0) return {};
    for (std::size_t from = 0; from < *got;) {
      while (!left_out.empty() && left_out.front().offset + left_out.front().size <= at + from) {
        left_out = left_out.subspan(1);
      }
      const std::uint64_t here = at + from;
      const std::uint64_t end = at + *got;
      const bool inside = !left_out.empty() && left_out.front().offset <= here;
      std::uint64_t next = end;
      if (!left_out.empty()) {
        next = std::min(end, inside ? left_out.front().offset + left_out.front().size : left_out.front().offset);
      }
      if (!inside) {
        const std::string_view piece = std::string_view(buffer).substr(from, next - here);
        if (Result<> written = write(piece); !written) return written;
      }
      from = static_cast<std::size_t>(next - at);
    }
    at += *got;
  }
}

}  // namespace proconsul::catalog
