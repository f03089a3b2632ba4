// For tests: questions in one line, and answers as text.
#pragma once

#include <arpa/inet.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "agent/dns/message.h"
#include "agent/dns/name.h"

namespace proconsul::agent::dns::test {

inline void put16(std::string& bytes, unsigned value) {
  bytes += static_cast<char>(value >> 8);
  bytes += static_cast<char>(value);
}

struct Question {
  std::string name{};
  std::uint16_t type = kTypeA;
  int edns = -1;            // advertised size; -1: none
  std::string option = {};  // of EDNS, with its head
  std::uint16_t klass = 1;
  std::uint16_t flags = kRecursionDesired;
};

inline std::string message_of(const Question& question) {
  std::string message;
  put16(message, 0x1234);
  put16(message, question.flags);
  for (const unsigned count : {1U, 0U, 0U, question.edns < 0 ? 0U : 1U}) put16(message, count);
  message += to_name(question.name).value();
  put16(message, question.type);
  put16(message, question.klass);
  if (question.edns < 0) return message;
  message += '\0';
  put16(message, kTypeOpt);
  put16(message, static_cast<unsigned>(question.edns));
  message.append(4, '\0');
  put16(message, static_cast<unsigned>(question.option.size()));
  return message + question.option;
}

struct Answer {
  unsigned rcode{};
  unsigned flags{};
  std::vector<std::string> question{}, answers{}, authorities{}, additional{};  // sorted
  bool whole{};  // it could be read to its end, and ends there
};

inline std::string record_text(std::string_view message, std::size_t& at) {
  std::string name;
  if (!read_name(message, at, name) || message.size() - at < 10) return "bad";
  const std::uint16_t type = read16(message, at);
  const unsigned ttl = unsigned{read16(message, at + 4)} << 16 | read16(message, at + 6);
  const std::size_t size = read16(message, at + 8);
  const std::size_t klass = read16(message, at + 2);
  at += 10;
  if (message.size() - at < size) return "bad";
  std::size_t inside = at;
  const std::string_view data = message.substr(at, size);
  at += size;
  if (type == kTypeOpt) return "OPT " + std::to_string(klass) + (size == 0 ? "" : " +" + std::to_string(size));
  std::string text = to_text(name) + " " + std::to_string(ttl) + " " + type_text(type);
  const auto name_here = [&] {
    std::string target;
    return read_name(message, inside, target) ? to_text(target) : "bad";
  };
  char address[INET6_ADDRSTRLEN] = "bad";
  switch (type) {
    case kTypeA:
    case kTypeAaaa:
      inet_ntop(type == kTypeA ? AF_INET : AF_INET6, data.data(), address, sizeof address);
      return text + " " + address;
    case kTypeSrv:
      for (const int i : {0, 2, 4}) text += " " + std::to_string(read16(data, static_cast<std::size_t>(i)));
      inside += 6;
      return text + " " + name_here();
    case kTypeTxt:
      return text + " " + std::string(data.substr(1));
    case kTypeSoa:
      text += " " + name_here();
      return text + " " + name_here();
    default:
      return text + " " + name_here();
  }
}

inline Answer read_answer(std::string_view message) {
  Answer answer;
  if (message.size() < kHeaderSize) return answer;
  answer.flags = read16(message, 2);
  answer.rcode = answer.flags & 15U;
  std::size_t at = kHeaderSize;
  for (unsigned i = read16(message, 4); i > 0; --i) {
    std::string name;
    if (!read_name(message, at, name) || message.size() - at < 4) return answer;
    answer.question.push_back(to_text(name) + " " + type_text(read16(message, at)));
    at += 4;
  }
  std::size_t count = 6;
  for (auto* section : {&answer.answers, &answer.authorities, &answer.additional}) {
    for (unsigned i = read16(message, count); i > 0; --i) {
      section->push_back(record_text(message, at));
      if (section->back() == "bad") return answer;
    }
    std::sort(section->begin(), section->end());
    count += 2;
  }
  answer.whole = at == message.size();
  return answer;
}

}  // namespace proconsul::agent::dns::test
