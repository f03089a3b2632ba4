// ACL.TokenSums: the global tokens of a datacenter in short, for who copies them. Of each it says what ACL.TokenList
// says and a comparison needs, in one text, so that tens of thousands are soon told and compared. A method that Consul
// does not have.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "base/type.h"
#include "catalog/store/tables.h"
#include "catalog/types/common.h"

namespace proconsul::agent::rpc {

struct TokenSumsRequest : catalog::QueryOptions {
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(TokenSumsRequest)

struct TokenSumsResponse : catalog::QueryMeta {
  bool Same{};  // the index is the one that the query waits to be left: there is nothing to compare
  base::Bytes Tokens{};
};
PROCONSUL_DECLARE_TYPE(TokenSumsResponse)

struct TokenSum {
  std::string_view accessor{};
  std::string_view secret{};  // empty: it is not shown
  std::string_view hash{};
  std::uint64_t modify_index{};
  bool operator==(const TokenSum&) const = default;
};

/// Of the global tokens that are not over, by accessor.
std::string token_sums(const catalog::Tables& tables, bool shows_secrets, const base::Time& now);
void append_sum(std::string& sums, const TokenSum& sum);
/// The sums are good as long as the text is. Errors: it was not made by append_sum().
base::Result<std::vector<TokenSum>> read_sums(std::string_view sums);

}  // namespace proconsul::agent::rpc
