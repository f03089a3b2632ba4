// What a server answers to what the HTTP API asks of it: whatever can be decoded can be shown. The first byte chooses
// the question.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "agent/http/ask.h"
#include "agent/http/route.h"
#include "base/watch.h"

namespace http = proconsul::agent::http;

namespace {

std::vector<http::AskFn> questions() {
  std::vector<http::AskFn> all;
  for (const auto& family : http::all_routes()) {
    for (const http::Route& route : family) {
      if (route.handler.ask) all.push_back(route.handler.ask);
    }
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<http::AskFn> kQuestions = questions();
  static proconsul::base::WatchRegistry watches;
  static http::Context context{.server = nullptr, .local_watches = watches, .settings = {}};
  context.settings.translate_wan_addresses = true;
  if (size == 0) return 0;
  http::Request request;
  request.rest = "name";
  request.options.datacenter = "dc2";
  auto question = kQuestions[data[0] % kQuestions.size()](context, request);
  if (!question || !question->call) return 0;
  const std::string_view reply(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (!question->call->decode_reply(reply)) return 0;
  (void)question->show({context, request}, *question->call);
  return 0;
}
