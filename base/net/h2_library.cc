#include "base/net/h2_library.h"

#include <algorithm>

namespace proconsul::base::net {

std::string_view field(const H2Fields& fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const auto& entry) { return entry.first == name; });
  return found == fields.end() ? std::string_view() : std::string_view(found->second);
}

namespace h2 {

std::vector<nghttp2_nv> name_values(const H2Fields& fields) {
  std::vector<nghttp2_nv> values;
  values.reserve(fields.size());
  for (const auto& [name, value] : fields) {
    values.push_back({.name = reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                      .value = reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())),
                      .namelen = name.size(),
                      .valuelen = value.size(),
                      .flags = NGHTTP2_NV_FLAG_NONE});
  }
  return values;
}

bool take_output(nghttp2_session* session, std::string& out, std::size_t limit) {
  while (out.size() < limit) {
    const std::uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session, &data);
    if (size <= 0) return size == 0;
    out.append(view(data, static_cast<std::size_t>(size)));
  }
  return true;
}

base::Result<> give_input(nghttp2_session* session, std::string_view data) {
  const ssize_t taken =
      nghttp2_session_mem_recv(session, reinterpret_cast<const std::uint8_t*>(data.data()), data.size());
  if (taken < 0) return {base::Errc::corrupt, "http2: " + std::string(nghttp2_strerror(static_cast<int>(taken)))};
  return {};
}

}  // namespace h2
}  // namespace proconsul::base::net
