// The list that service queries answer with.
#pragma once

#include <string>
#include <string_view>

#include "agent/http/answers.h"
#include "agent/http/route.h"
#include "base/json.h"
#include "catalog/query/instances.h"

namespace proconsul::agent::http {

/// The instances as `json_of(row, scratch)` has them, or as they are in `merged`, with what is configured centrally;
/// null for the former.
template <class Merged, class JsonOf>
Answer instances_answer(const ReadContext& context, const catalog::InstancesAnswer& found, Merged* merged,
                        JsonOf json_of) {
  ListBody body(context.view);
  std::string scratch;
  for (const catalog::InstanceRow* row : found.rows) {
    scratch.clear();
    if (merged) {
      catalog::show_lists(merged->at(row));
      body.add_copy(base::to_json(merged->at(row)));
      continue;
    }
    const std::string_view json = json_of(*row, scratch);
    json.data() == scratch.data() ? body.add_copy(json) : body.add(json);
  }
  return Answer{.reply = json(body.take()), .index = found.index, .settles = merged != nullptr};
}

}  // namespace proconsul::agent::http
