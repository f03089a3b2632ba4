#include "gossip/serf/query.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/regex.h"

namespace proconsul::gossip::serf {
namespace {

using base::Bytes;
using base::Result;

bool names_node(std::string_view body, const std::string& node) {
  const Result<base::List<std::string>> names = decode<base::List<std::string>>(body);
  return names && std::ranges::find(*names, node) != names->end();
}

bool matches_tag(std::string_view body, const base::Map<std::string>& tags) {
  const Result<TagFilter> filter = decode<TagFilter>(body);
  if (!filter) return false;
  const Result<base::Regex> expression = base::Regex::compile(filter->Expr);
  if (!expression) return false;
  const auto tag = tags.find(filter->Tag);
  return expression->matches(tag == tags.end() ? std::string_view() : std::string_view(tag->second));
}

template <class Filter>
Bytes encode_filter(FilterType type, const Filter& filter) {
  return Bytes(encode(static_cast<MessageType>(type), filter));
}

}  // namespace

base::Duration default_query_timeout(base::Duration gossip_interval, int multiplier, std::size_t members) {
  const auto rounds = static_cast<std::int64_t>(std::ceil(std::log10(static_cast<double>(members + 1))));
  return {gossip_interval.nanoseconds * multiplier * rounds};
}

base::List<Bytes> encode_filters(const QueryParams& params) {
  base::List<Bytes> filters;
  if (!params.filter_nodes.empty()) {
    filters.push_back(encode_filter(FilterType::node, base::List<std::string>(params.filter_nodes)));
  }
  for (const auto& [tag, expression] : params.filter_tags) {
    filters.push_back(encode_filter(FilterType::tag, TagFilter{.Tag = tag, .Expr = expression}));
  }
  return filters;
}

bool passes_filters(const base::List<Bytes>& filters, const std::string& node, const base::Map<std::string>& tags) {
  return std::ranges::all_of(filters, [&](const Bytes& filter) {
    if (filter.empty()) return false;
    const std::string_view body = std::string_view(filter).substr(1);
    switch (static_cast<FilterType>(filter[0])) {
      case FilterType::node:
        return names_node(body, node);
      case FilterType::tag:
        return matches_tag(body, tags);
    }
    return false;
  });
}

}  // namespace proconsul::gossip::serf
