#include "agent/cluster/join_address.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstring>
#include <memory>
#include <thread>

#include "base/child_process.h"
#include "base/interrupt.h"
#include "base/quote.h"
#include "base/time.h"
#include "gossip/ip_text.h"

namespace proconsul::agent::cluster {
namespace {

using base::Errc;
using base::Result;
using gossip::swim::Address;

constexpr base::Duration kProgramTime = base::seconds(30);
constexpr std::size_t kMostOutput = 64 * 1024;
constexpr std::size_t kMostAddresses = 256;
constexpr std::string_view kProvider = "provider=";

void add(std::vector<Address>& addresses, Address address) {
  if (addresses.size() >= kMostAddresses || std::ranges::find(addresses, address) != addresses.end()) return;
  addresses.push_back(std::move(address));
}

Result<> look_up(const std::string& host, std::uint16_t port, std::vector<Address>& addresses) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(host.c_str(), nullptr, &wanted, &found);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  if (failed == EAI_NONAME || failed == EAI_NODATA) return {Errc::not_found, "lookup " + host + ": no such host"};
  if (failed != 0) return {Errc::unavailable, "lookup " + host + ": " + gai_strerror(failed)};
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    if (at->ai_family == AF_INET) {
      const auto* in = reinterpret_cast<const sockaddr_in*>(at->ai_addr);
      add(addresses, {.ip = std::string(reinterpret_cast<const char*>(&in->sin_addr), 4), .port = port});
    } else if (at->ai_family == AF_INET6) {
      const auto* in = reinterpret_cast<const sockaddr_in6*>(at->ai_addr);
      add(addresses, {.ip = std::string(reinterpret_cast<const char*>(&in->sin6_addr), 16), .port = port});
    }
  }
  return {};
}

Result<std::vector<Address>> look_up_service(const std::string& name) {
  struct __res_state state{};
  if (res_ninit(&state) != 0) return {Errc::unavailable, "lookup " + name + ": no name server is configured"};
  const std::unique_ptr<struct __res_state, decltype(&res_nclose)> owner(&state, &res_nclose);
  std::array<unsigned char, NS_MAXMSG> answer{};
  const int length = res_nquery(&state, name.c_str(), ns_c_in, ns_t_srv, answer.data(), answer.size());
  if (length < 0) return {Errc::not_found, "lookup " + name + ": no such host"};
  ns_msg message;
  if (ns_initparse(answer.data(), length, &message) != 0) {
    return {Errc::unavailable, "lookup " + name + ": cannot unmarshal DNS message"};
  }
  std::vector<Address> addresses;
  std::string last = "lookup " + name + ": no such host";
  for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
    ns_rr record;
    if (ns_parserr(&message, ns_s_an, i, &record) != 0 || ns_rr_type(record) != ns_t_srv || ns_rr_rdlen(record) < 7) {
      continue;
    }
    const unsigned char* data = ns_rr_rdata(record);
    std::array<char, NS_MAXDNAME> target{};
    if (ns_name_uncompress(ns_msg_base(message), ns_msg_end(message), data + 6, target.data(), target.size()) < 0) {
      continue;
    }
    if (Result<> found = look_up(target.data(), ns_get16(data + 4), addresses); !found) last = found.error().detail;
  }
  if (addresses.empty()) return {Errc::not_found, last};
  return addresses;
}

}  // namespace

Result<JoinAddress> parse_join_address(std::string_view text, std::uint16_t default_port) {
  if (text.find(kProvider) != text.npos) {
    return {Errc::invalid_argument,
            "cloud providers are not asked here: give addresses, names, or exec= and a program that prints addresses"};
  }
  JoinAddress address;
  if (const std::size_t slash = text.find('/'); slash != text.npos) {
    if (slash == 0) return {Errc::invalid_argument, "empty node name provided"};
    address.node = text.substr(0, slash);
    text.remove_prefix(slash + 1);
  }
  address.port = default_port;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == text.npos) return {Errc::invalid_argument, "address " + std::string(text) + ": missing ']' in address"};
    address.host = text.substr(1, end - 1);
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && rest[0] != ':') {
      return {Errc::invalid_argument, "address " + std::string(text) + ": missing port in address"};
    }
    if (!rest.empty()) port = rest.substr(1);
  } else if (std::ranges::count(text, ':') == 1) {
    const std::size_t colon = text.find(':');
    address.host = text.substr(0, colon);
    port = text.substr(colon + 1);
  } else {
    address.host = text;  // a name, or an IPv6 address without a port
  }
  if (!port.empty()) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (error == std::errc::result_out_of_range) {
      return {Errc::invalid_argument,
              "strconv.ParseUint: parsing " + base::quote(std::string(port)) + ": value out of range"};
    }
    if (error != std::errc() || end != port.data() + port.size()) {
      return {Errc::invalid_argument,
              "strconv.ParseUint: parsing " + base::quote(std::string(port)) + ": invalid syntax"};
    }
  }
  address.srv = address.host.starts_with('_') && port.empty();
  return address;
}

Result<std::vector<Address>> resolve(const JoinAddress& address) {
  if (const auto ip = gossip::ip_bytes(address.host)) return std::vector<Address>{{.ip = *ip, .port = address.port}};
  if (address.host.empty()) return {Errc::not_found, "lookup : no such host"};
  if (address.srv) return look_up_service(address.host);
  std::vector<Address> addresses;
  if (Result<> found = look_up(address.host, address.port, addresses); !found) return found.error();
  return addresses;
}

std::string shown_address(std::string_view text) {
  if (text.find('=') == text.npos) return std::string(text);
  const std::size_t from = text.starts_with(kProgram) ? 0 : text.find(kProvider);
  if (from == text.npos) return "...";
  const std::string_view word = text.substr(from, text.find_first_of(" \t\n", from) - from);
  return std::string(word) + (word == text ? "" : " ...");
}

Result<std::vector<std::string>> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool inside = false;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && quote != '\'') {
      if (++i == text.size()) return {Errc::invalid_argument, "a backslash at the end"};
      word += text[i];
      inside = true;
    } else if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '"' || c == '\'') {
      quote = c;
      inside = true;
    } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      if (inside) words.push_back(std::exchange(word, {}));
      inside = false;
    } else {
      word += c;
      inside = true;
    }
  }
  if (quote != 0) return {Errc::invalid_argument, "a quote is not closed"};
  if (inside) words.push_back(std::move(word));
  return words;
}

Result<std::vector<std::string>> addresses_of_program(std::string_view command) {
  Result<std::vector<std::string>> words = split_words(command);
  if (!words) return words.error();
  if (words->empty()) return {Errc::invalid_argument, "exec= needs a program"};
  const std::string program = words->front();
  base::ChildOptions options;
  options.arguments = std::move(*words);
  options.keep_output = kMostOutput;
  options.own_group = true;
  Result<std::unique_ptr<base::ChildProcess>> child = base::ChildProcess::start(std::move(options));
  if (!child) return child.error();
  base::Interrupt over;
  std::atomic<bool> too_late{false};
  std::thread clock([&] {
    if (!over.sleep(kProgramTime)) return;
    too_late = true;
    (void)(*child)->kill_group();
  });
  Result<base::ChildExit> ended = (*child)->wait();
  over.raise();
  clock.join();
  if (too_late) return {Errc::timeout, program + " did not end within " + base::to_string(kProgramTime)};
  if (!ended) return ended.error();
  if (!ended->ok()) return {Errc::unavailable, program + ": " + ended->text() + ": " + (*child)->output()};
  return split_words((*child)->output());
}

}  // namespace proconsul::agent::cluster
