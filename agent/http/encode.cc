#include "agent/http/encode.h"

#include <zlib.h>

#include <charconv>
#include <ctime>

namespace proconsul::agent::http {
namespace {

constexpr std::size_t kSmallestToCompress = 1400;

void number(std::string& out, std::uint64_t value) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

/// Go sends header names in their canonical form: every word begins with a capital, the rest is small.
std::string canonical(std::string_view name) {
  std::string text(name);
  bool first = true;
  for (char& c : text) {
    if (first && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    if (!first && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    first = c == '-';
  }
  return text;
}

}  // namespace

std::string_view status_text(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Request Entity Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "";
  }
}

bool accepts_gzip(std::string_view text) {
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    std::string_view item = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    const auto trim = [](std::string_view& part) {
      while (part.starts_with(' ') || part.starts_with('\t')) part.remove_prefix(1);
      while (part.ends_with(' ') || part.ends_with('\t')) part.remove_suffix(1);
    };
    const std::size_t semicolon = item.find(';');
    std::string_view name = item.substr(0, semicolon);
    trim(name);
    if (name.size() != 4 || (name[0] | 32) != 'g' || (name[1] | 32) != 'z' || (name[2] | 32) != 'i' ||
        (name[3] | 32) != 'p') {
      continue;
    }
    if (semicolon == std::string_view::npos) return true;
    std::string_view quality = item.substr(semicolon + 1);
    trim(quality);
    if (!quality.starts_with("q=")) return true;
    return quality.find_first_of("123456789") != std::string_view::npos;
  }
  return false;
}

std::string indent(std::string_view json) {
  std::string out;
  out.reserve(json.size() * 2);
  std::size_t depth = 0;
  bool opened = false;  // just after '{' or '[': a closing one makes "{}"
  const auto line = [&] {
    out += '\n';
    out.append(depth * 4, ' ');
  };
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') continue;
    if (opened && c != '}' && c != ']') line();
    switch (c) {
      case '"': {
        const std::size_t start = i;
        for (++i; i < json.size() && json[i] != '"'; ++i) {
          if (json[i] == '\\') ++i;
        }
        out += json.substr(start, i - start + 1);
        opened = false;
        break;
      }
      case '{':
      case '[':
        ++depth;
        out += c;
        opened = true;
        break;
      case '}':
      case ']':
        if (depth > 0) --depth;
        if (!opened) line();
        out += c;
        opened = false;
        break;
      case ',':
        out += c;
        line();
        break;
      case ':':
        out += ": ";
        break;
      default:
        out += c;
        opened = false;
    }
  }
  return out;
}

std::string gzip(std::string_view data) {
  z_stream stream{};
  constexpr int kGzipFraming = 16;
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + kGzipFraming, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    return {};
  }
  std::string out(deflateBound(&stream, data.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&stream, Z_FINISH);
  out.resize(result == Z_STREAM_END ? stream.total_out : 0);
  deflateEnd(&stream);
  return out;
}

Encoder::Encoder(const Settings& settings) : settings_(settings) {
  // Browsers must not guess that an answer is a page: what clients put into keys would run in the agent's name.
  constexpr std::string_view kNoSniff = "X-Content-Type-Options";
  bool has_no_sniff = false;
  for (const auto& [name, value] : settings.response_headers) {
    Reply lines;
    lines.header(canonical(name), value);
    has_no_sniff |= canonical(name) == kNoSniff;
    unknown_ += lines.headers;
  }
  if (!has_no_sniff) unknown_ += std::string(kNoSniff) + ": nosniff\r\n";
  common_ = "Vary: Accept-Encoding\r\n" + unknown_;
  if (settings.translate_wan_addresses) common_ += "X-Consul-Translate-Addresses: true\r\n";
  if (!settings.default_acl_policy.empty()) {
    common_ += "X-Consul-Default-Acl-Policy: " + settings.default_acl_policy + "\r\n";
  }
}

void Encoder::shape(const Exchange& exchange, Reply& reply) const {
  if (reply.source || reply.body.empty()) return;
  if (reply.type == content::kJson && (exchange.pretty || settings_.dev_mode)) {
    std::string text = indent(reply.body.flat());
    if (exchange.pretty) text += '\n';
    reply.body = std::move(text);
  }
  if (!exchange.wants_gzip || !exchange.endpoint || reply.body.size() < kSmallestToCompress) return;
  if (std::string packed = gzip(reply.body.flat()); !packed.empty()) {
    reply.body = std::move(packed);
    reply.headers += "Content-Encoding: gzip\r\n";
  }
}

void Encoder::head(const Exchange& exchange, const Reply& reply, const ReadMeta* meta, std::string& out) {
  out += exchange.http_1_0 ? "HTTP/1.0 " : "HTTP/1.1 ";
  if (reply.status == 200) {
    out += "200 OK\r\n";
  } else {
    number(out, static_cast<std::uint64_t>(reply.status));
    out += ' ';
    out += status_text(reply.status);
    out += "\r\n";
  }
  std::string_view type = reply.type;
  // An answer without a body has a type only while it is a plain success.
  if (type == content::kJson && reply.body.empty() && !reply.source) {
    if (reply.status != 200) type = {};
    if (exchange.route && (exchange.route->flags & kOctets)) type = content::kOctets;
  }
  if (reply.as_text) type = content::kText;
  if (!type.empty()) {
    out += "Content-Type: ";
    out += type;
    out += "\r\n";
  }
  if (exchange.route && (exchange.route->flags & kBare)) {
    out += "Vary: Accept-Encoding\r\nX-Content-Type-Options: nosniff\r\n";
  } else {
    out += exchange.endpoint ? common_ : unknown_;
  }
  if (meta) {
    if (meta->consistency) {
      out += "X-Consul-Effective-Consistency: ";
      out += meta->consistency;
      out += "\r\n";
    }
    out += "X-Consul-Index: ";
    number(out, meta->index == 0 ? 1 : meta->index);
    out += meta->known_leader ? "\r\nX-Consul-Knownleader: true\r\nX-Consul-Lastcontact: "
                              : "\r\nX-Consul-Knownleader: false\r\nX-Consul-Lastcontact: ";
    number(out, meta->last_contact_ms);
    out += meta->streaming ? "\r\nX-Consul-Query-Backend: streaming\r\n"
                           : "\r\nX-Consul-Query-Backend: blocking-query\r\n";
    if (meta->filtered_by_acls) out += "X-Consul-Results-Filtered-By-Acls: true\r\n";
  }
  if (exchange.cache == Exchange::Cache::miss) out += "X-Cache: MISS\r\n";
  if (exchange.cache == Exchange::Cache::hit) {
    out += "Age: ";
    number(out, exchange.age);
    out += "\r\nX-Cache: HIT\r\n";
  }
  out += reply.headers;
  date(out);
  if (reply.close || !exchange.keep_alive) {
    out += "Connection: close\r\n";
  } else if (exchange.http_1_0) {
    out += "Connection: keep-alive\r\n";
  }
  if (reply.source) {
    out += exchange.http_1_0 ? "\r\n" : "Transfer-Encoding: chunked\r\n\r\n";
    return;
  }
  if (reply.status == 304) {  // its length would be that of what is not sent
    out += "\r\n";
    return;
  }
  out += "Content-Length: ";
  number(out, reply.body.size());
  out += "\r\n\r\n";
}

void Encoder::date(std::string& out) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != second_) {
    second_ = now.tv_sec;
    tm parts{};
    gmtime_r(&now.tv_sec, &parts);
    char text[64];
    const std::size_t size = std::strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
    date_.assign(text, size);
  }
  out += date_;
}

}  // namespace proconsul::agent::http
