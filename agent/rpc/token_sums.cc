#include "agent/rpc/token_sums.h"

#include <bit>
#include <cstring>

#include "base/type_of.h"
#include "catalog/acl/tokens.h"

namespace proconsul::agent::rpc {

PROCONSUL_DESCRIBE_TYPE(TokenSumsRequest, "proconsul.TokenSumsRequest") {
  type.field("Datacenter", &TokenSumsRequest::Datacenter);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(TokenSumsResponse, "proconsul.TokenSumsResponse") {
  type.field("Same", &TokenSumsResponse::Same);
  type.field("Tokens", &TokenSumsResponse::Tokens);
  type.embed<catalog::QueryMeta>();
}

namespace {

// Texts are preceded by their length in four bytes, numbers have eight; both begin with the lowest byte.
static_assert(std::endian::native == std::endian::little);

template <class Number>
void append_number(std::string& out, Number number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void append_text(std::string& out, std::string_view text) {
  append_number(out, static_cast<std::uint32_t>(text.size()));
  out.append(text);
}

class Reader {
 public:
  explicit Reader(std::string_view left) : left_(left) {}
  bool at_end() const { return left_.empty(); }
  template <class Number>
  bool number(Number& number) {
    if (left_.size() < sizeof number) return false;
    std::memcpy(&number, left_.data(), sizeof number);
    left_.remove_prefix(sizeof number);
    return true;
  }
  bool text(std::string_view& text) {
    std::uint32_t size = 0;
    if (!number(size) || left_.size() < size) return false;
    text = left_.substr(0, size);
    left_.remove_prefix(size);
    return true;
  }

 private:
  std::string_view left_;
};

}  // namespace

std::string token_sums(const catalog::Tables& tables, bool shows_secrets, const base::Time& now) {
  std::string sums;
  for (const auto [key, row] : tables.acl_tokens.all()) {
    if (row->Local || catalog::is_over(*row, now)) continue;
    append_sum(sums, {.accessor = row->AccessorID,
                      .secret = shows_secrets ? std::string_view(row->SecretID) : std::string_view(),
                      .hash = row->Hash,
                      .modify_index = row->ModifyIndex});
  }
  return sums;
}

void append_sum(std::string& sums, const TokenSum& sum) {
  append_text(sums, sum.accessor);
  append_text(sums, sum.secret);
  append_text(sums, sum.hash);
  append_number(sums, sum.modify_index);
}

base::Result<std::vector<TokenSum>> read_sums(std::string_view sums) {
  constexpr std::size_t kUsual = 124;  // two UUIDs and a hash
  std::vector<TokenSum> read;
  read.reserve(sums.size() / kUsual);
  for (Reader reader(sums); !reader.at_end();) {
    TokenSum& sum = read.emplace_back();
    if (!reader.text(sum.accessor) || !reader.text(sum.secret) || !reader.text(sum.hash) ||
        !reader.number(sum.modify_index)) {
      return base::Error{base::Errc::internal, "the sums of the tokens are cut off"};
    }
  }
  return read;
}

}  // namespace proconsul::agent::rpc
