#include "agent/checks/docker.h"

#include "base/json.h"
#include "base/net/url.h"

namespace proconsul::agent::checks {

using base::net::parse_url;
using base::net::Url;

using base::Errc;
using base::Result;

namespace {

constexpr std::string_view kDefaultHost = "unix:///var/run/docker.sock";

struct ExecCreated {
  std::string Id{};
};
PROCONSUL_DECLARE_TYPE(ExecCreated)
PROCONSUL_DESCRIBE_TYPE(ExecCreated, "struct { Id string }") {
  type.field("Id", &ExecCreated::Id);
}

struct ExecState {
  base::Int ExitCode{};
};
PROCONSUL_DECLARE_TYPE(ExecState)
PROCONSUL_DESCRIBE_TYPE(ExecState, "struct { ExitCode int }") {
  type.field("ExitCode", &ExecState::ExitCode);
}

}  // namespace

Result<DockerHost> parse_docker_host(const std::string& text) {
  const std::string host = text.empty() ? std::string(kDefaultHost) : text;
  const std::size_t mark = host.find("://");
  if (mark == std::string::npos) return {Errc::invalid_argument, "unable to parse docker host `" + host + "`"};
  const std::string protocol = host.substr(0, mark);
  DockerHost out{.is_unix = protocol == "unix", .address = host.substr(mark + 3)};
  if (protocol == "tcp") {
    Result<Url> url = parse_url(host);
    if (!url) return url.error();
    out.address = url->host;
  }
  return out;
}

std::string create_exec_body(const std::vector<std::string>& command) {
  std::string body = R"({"AttachStdin":false,"AttachStdout":true,"AttachStderr":true,"Tty":false,"Cmd":[)";
  for (std::size_t i = 0; i < command.size(); ++i) {
    if (i > 0) body += ',';
    base::append_json_string(body, command[i]);
  }
  return body + "]}\n";
}

Result<std::string> exec_id_of(std::string_view body) {
  Result<ExecCreated> created = base::from_json<ExecCreated>(body, {.input = base::JsonInput::first});
  if (!created) return created.error();
  return std::move(created->Id);
}

Result<std::int64_t> exit_code_of(std::string_view body) {
  Result<ExecState> state = base::from_json<ExecState>(body, {.input = base::JsonInput::first});
  if (!state) return state.error();
  return static_cast<std::int64_t>(state->ExitCode);
}

}  // namespace proconsul::agent::checks
