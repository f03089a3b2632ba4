#include "agent/backup/s3_store.h"

#include <utility>

#include "base/clock.h"
#include "base/net/url.h"
#include "base/net/waited_exchange.h"

namespace proconsul::agent::backup {

using base::Errc;
using base::Error;
using base::Result;
using base::net::HttpExchange;

namespace {

constexpr std::size_t kPart = std::size_t{8} << 20;  // the store wants at least 5 MiB of each but the last
constexpr std::size_t kMostAnswer = std::size_t{4} << 20;
constexpr std::size_t kMostPages = 1000;  // of a listing, a thousand names each
constexpr base::Duration kLongestWait = base::seconds(300);

Result<std::string> next_part(raft::ScratchFile& archive) {
  std::string part(kPart, '\0');
  std::size_t size = 0;
  while (size < part.size()) {
    Result<std::size_t> got = archive.read(std::span(part.data() + size, part.size() - size));
    if (!got) return got.error();
    if (*got == 0) break;
    size += *got;
  }
  part.resize(size);
  return part;
}

std::string xml_text(std::string_view document, std::string_view element) {
  const std::vector<std::string> texts = xml_texts(document, element);
  return texts.empty() ? "" : texts.front();
}

std::string xml_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else {
      out += c;
    }
  }
  return out;
}

/// What the store says is wrong: its code and its sentence.
std::string complaint(int status, std::string_view body) {
  constexpr std::size_t kLongest = 300;
  std::string text = "status " + std::to_string(status);
  const std::string code = xml_text(body, "Code"), message = xml_text(body, "Message");
  if (!code.empty()) text += ", " + code;
  if (!message.empty()) text += ": " + message;
  for (char& c : text) c = c >= ' ' && c <= '~' ? c : '?';
  return text.substr(0, kLongest);
}

}  // namespace

std::vector<std::string> xml_texts(std::string_view document, std::string_view element) {
  const std::string open = "<" + std::string(element) + ">", close = "</" + std::string(element) + ">";
  std::vector<std::string> out;
  for (std::size_t at = document.find(open); at != document.npos; at = document.find(open, at)) {
    at += open.size();
    const std::size_t end = document.find(close, at);
    if (end == document.npos) break;
    std::string text;
    for (std::string_view left = document.substr(at, end - at); !left.empty();) {
      constexpr std::pair<std::string_view, char> kEntities[] = {
          {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
      std::size_t taken = 0;
      for (const auto& [entity, character] : kEntities) {
        if (!left.starts_with(entity)) continue;
        text += character;
        taken = entity.size();
      }
      if (taken == 0) {
        text += left.front();
        taken = 1;
      }
      left.remove_prefix(taken);
    }
    out.push_back(std::move(text));
    at = end + close.size();
  }
  return out;
}

S3Store::S3Store(config::SnapshotSchedule::S3 settings, S3Credentials credentials, base::net::Loop& loop,
                 base::net::Resolver& resolver, std::shared_ptr<base::net::TlsContext> tls, base::Interrupt& stopping)
    : settings_(std::move(settings)),
      credentials_(std::move(credentials)),
      loop_(loop),
      resolver_(resolver),
      tls_(std::move(tls)),
      stopping_(stopping) {
  const std::string endpoint =
      settings_.endpoint.empty() ? "https://s3." + settings_.region + ".amazonaws.com" : settings_.endpoint;
  Result<base::net::Url> url = base::net::parse_url(endpoint);  // checked with the configuration
  if (!url) return;
  secure_ = url->scheme == "https";
  if (settings_.path_style) {
    path_ = "/" + settings_.bucket;
  } else {
    url->host = settings_.bucket + "." + url->host;
  }
  host_ = url->host;
  dial_ = url->dial_address();
}

std::string S3Store::place() const {
  return "s3://" + settings_.bucket + (settings_.key_prefix.empty() ? "" : "/" + settings_.key_prefix);
}

std::string S3Store::key_of(const std::string& name) const {
  return settings_.key_prefix.empty() ? name : settings_.key_prefix + '/' + name;
}

S3Store::Pairs S3Store::encryption() const {
  if (!settings_.encrypt) return {};
  Pairs headers{{"x-amz-server-side-encryption", settings_.kms_key.empty() ? "AES256" : "aws:kms"}};
  if (!settings_.kms_key.empty()) {
    headers.emplace_back("x-amz-server-side-encryption-aws-kms-key-id", settings_.kms_key);
  }
  return headers;
}

Result<S3Store::Answer> S3Store::ask(const std::string& method, const std::string& key, Pairs query, std::string body,
                                     Pairs headers) {
  S3Request request{.method = method,
                    .host = host_,
                    .path = path_ + "/" + escape_s3(key, true),
                    .query = std::move(query),
                    .headers = std::move(headers),
                    .payload_sha256 = sha256_hex(body)};
  const std::int64_t now = base::system_clock().wall().seconds - base::kUnixEpochSeconds;
  Pairs all = signed_headers(request, credentials_, settings_.region, now);
  const std::string what = method + ' ' + place() + ": ";
  Result<Answer> answer = exchange(request, std::move(all), std::move(body));
  if (!answer) return {answer.error().code, what + answer.error().detail};
  if (answer->status >= 300) return {Errc::unavailable, what + complaint(answer->status, answer->body)};
  return answer;
}

Result<S3Store::Answer> S3Store::exchange(const S3Request& request, Pairs headers, std::string body) {
  const std::string query = canonical_query(request);
  HttpExchange::Request wanted{.method = request.method,
                               .target = request.path + (query.empty() ? "" : "?" + query),
                               .host = request.host,
                               .headers = std::move(headers),
                               .body = std::move(body),
                               .tells_length = request.method != "GET",
                               .output_max_size = kMostAnswer};
  wanted.endpoint.address = dial_;
  if (secure_) {
    wanted.endpoint.tls = tls_;
    wanted.endpoint.peer = {.protocols = "\x08http/1.1"};
  }
  Result<base::net::WaitedAnswer> answer =
      base::net::exchange_and_wait(loop_, resolver_, std::move(wanted), kLongestWait, stopping_);
  if (!answer) return answer.error();
  return Answer{answer->status, std::string(answer->header("ETag")), std::move(answer->body)};
}

Result<> S3Store::put(const std::string& name, raft::ScratchFile& archive) {
  archive.rewind();
  const std::string key = key_of(name);
  if (archive.size() > kPart) return put_in_parts(key, archive);
  Result<std::string> body = next_part(archive);
  if (!body) return body.error();
  Pairs headers = encryption();
  headers.emplace_back("content-type", "application/x-gzip");
  const Result<Answer> answer = ask("PUT", key, {}, std::move(*body), std::move(headers));
  return answer ? Result<>() : Result<>(answer.error());
}

Result<> S3Store::put_in_parts(const std::string& key, raft::ScratchFile& archive) {
  Pairs headers = encryption();
  headers.emplace_back("content-type", "application/x-gzip");
  const Result<Answer> begun = ask("POST", key, {{"uploads", ""}}, {}, std::move(headers));
  if (!begun) return begun.error();
  const std::string upload = xml_text(begun->body, "UploadId");
  if (upload.empty()) return {Errc::unavailable, "POST " + place() + ": the answer has no UploadId"};

  std::string parts = "<CompleteMultipartUpload>";
  Result<> sent;
  for (int number = 1;; ++number) {
    Result<std::string> part = next_part(archive);
    if (!part) sent = part.error();
    if (!part || part->empty()) break;
    const Result<Answer> answer =
        ask("PUT", key, {{"partNumber", std::to_string(number)}, {"uploadId", upload}}, std::move(*part));
    if (!answer) {
      sent = answer.error();
      break;
    }
    parts += "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>" + xml_escaped(answer->etag) +
             "</ETag></Part>";
  }
  if (sent) {
    const Result<Answer> ended = ask("POST", key, {{"uploadId", upload}}, parts + "</CompleteMultipartUpload>");
    if (!ended) {
      sent = ended.error();
    } else if (const std::string code = xml_text(ended->body, "Code"); !code.empty()) {
      // The store may find out after it has said 200.
      sent = Error{Errc::unavailable, "POST " + place() + ": " + complaint(ended->status, ended->body)};
    }
  }
  if (!sent) (void)ask("DELETE", key, {{"uploadId", upload}});
  return sent;
}

Result<std::vector<std::string>> S3Store::list(const std::string& beginning) {
  const std::string folder = key_of("");
  std::vector<std::string> names;
  std::string more;
  for (std::size_t page = 0; page < kMostPages; ++page) {
    Pairs query{{"list-type", "2"}, {"prefix", folder + beginning}};
    if (!more.empty()) query.emplace_back("continuation-token", more);
    const Result<Answer> answer = ask("GET", "", std::move(query));
    if (!answer) return answer.error();
    for (const std::string& key : xml_texts(answer->body, "Key")) {
      if (key.starts_with(folder)) names.push_back(key.substr(folder.size()));
    }
    more = xml_text(answer->body, "NextContinuationToken");
    if (more.empty()) break;
  }
  return names;
}

Result<> S3Store::remove(const std::string& name) {
  const Result<Answer> answer = ask("DELETE", key_of(name));
  return answer ? Result<>() : Result<>(answer.error());
}

}  // namespace proconsul::agent::backup
