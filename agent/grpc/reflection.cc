#include "agent/grpc/reflection.h"

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/grpc/descriptors.h"
#include "base/protobuf.h"

namespace proconsul::agent::grpc {

using base::pb::append_bytes_field;
using base::pb::append_text_field;
using base::pb::append_varint_field;

namespace {

using Names = std::shared_ptr<const std::vector<std::string>>;

/// One stream of questions, each answered at once. A file that was sent on it is not sent again.
class Reflection final : public Handler {
 public:
  Reflection(Call& call, Names names) : call_(call), names_(std::move(names)) {}

  void received(std::string_view message) override {
    std::string host;
    std::uint32_t asked = 0;  // the field of what is asked
    std::string about;
    base::pb::Reader reader(message);
    while (reader.next()) {
      if (reader.wire() != base::pb::Wire::bytes) continue;
      if (reader.number() == 1) host = reader.bytes();
      if (reader.number() >= 3 && reader.number() <= 7) {
        asked = reader.number();
        about = reader.bytes();
      }
    }
    if (reader.broken()) {
      return call_.end(
          {Code::internal, std::string("grpc: failed to unmarshal the received message: ") + base::pb::kInvalidFormat});
    }
    std::string answer;
    switch (asked) {
      case 3:
        files(answer, find_file(about));
        break;
      case 4:
        files(answer, find_symbol(about));
        break;
      case 5:
        not_found(answer);  // there are no extensions
        break;
      case 6:
        extensions(answer, about);
        break;
      case 7:
        services(answer);
        break;
      default:
        return call_.end({Code::invalid_argument, "invalid MessageRequest: <nil>"});
    }
    auto out = std::make_shared<std::string>();
    append_frame(*out, [&] {
      if (!host.empty()) append_text_field(*out, 1, host);
      append_bytes_field(*out, 2, message);
      *out += answer;
    });
    call_.send(std::move(out));
  }
  void finished() override { call_.end({}); }

 private:
  void files(std::string& out, const FileRow* file) {
    if (file == nullptr) return not_found(out);
    std::string found;
    for (const FileRow* each : with_needs(*file)) {
      if (sent_.insert(each->name).second) append_bytes_field(found, 1, file_descriptor(*each));
    }
    append_bytes_field(out, 4, found);
  }
  void extensions(std::string& out, std::string_view message) const {
    if (find_message(message) == nullptr) return not_found(out);
    std::string found;
    append_text_field(found, 1, message);
    append_bytes_field(out, 5, found);
  }
  void services(std::string& out) const {
    std::string found;
    for (const std::string& name : *names_) {
      std::string service;
      append_text_field(service, 1, name);
      append_bytes_field(found, 1, service);
    }
    append_bytes_field(out, 6, found);
  }
  static void not_found(std::string& out) {
    std::string error;
    append_varint_field(error, 1, static_cast<std::uint64_t>(Code::not_found));
    append_text_field(error, 2, "proto: not found");
    append_bytes_field(out, 7, error);
  }

  Call& call_;
  const Names names_;
  std::set<std::string_view> sent_{};
};

}  // namespace

void add_reflection(Services& services) {
  const auto names = std::make_shared<std::vector<std::string>>();
  const Method method = {.name = "ServerReflectionInfo", .shape = Shape::both_stream, .start = [names](Call& call) {
                           return std::make_unique<Reflection>(call, names);
                         }};
  services.add("grpc.reflection.v1.ServerReflection", {method});
  services.add("grpc.reflection.v1alpha.ServerReflection", {method});
  *names = services.names();
}

}  // namespace proconsul::agent::grpc
