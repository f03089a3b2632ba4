#include "agent/dns/name.h"

#include <algorithm>
#include <cstring>

namespace proconsul::agent::dns {
namespace {

constexpr std::size_t kMaxLabel = 63;
// A chain of pointers longer than a name can have labels is a loop.
constexpr int kMaxPointers = 126;

bool is_special(char c) {
  return std::string_view(" .'@;()\"\\").find(c) != std::string_view::npos;
}

// Appends one label in presentation form through `put`.
template <class Put>
void escape(std::string_view label, Put put) {
  for (const char c : label) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_special(c)) {
      put('\\');
      put(c);
    } else if (byte < ' ' || byte > '~') {
      put('\\');
      put(static_cast<char>('0' + byte / 100));
      put(static_cast<char>('0' + byte / 10 % 10));
      put(static_cast<char>('0' + byte % 10));
    } else {
      put(c);
    }
  }
}

/// Calls label(bytes) for each label of the name at `offset`; false if it is malformed or `label` says so.
template <class Label>
bool walk(std::string_view message, std::size_t& offset, Label label) {
  std::size_t at = offset;
  std::size_t size = 1;
  int pointers = 0;
  for (;;) {
    if (at >= message.size()) return false;
    const auto head = static_cast<unsigned char>(message[at++]);
    if (head == 0) break;
    switch (head & 0xc0) {
      case 0:
        if (message.size() - at < head) return false;
        size += head + std::size_t{1};
        if (size > kMaxName || !label(message.substr(at, head))) return false;
        at += head;
        break;
      case 0xc0:
        if (at >= message.size()) return false;
        if (pointers == 0) offset = at + 1;
        if (++pointers > kMaxPointers) return false;
        at = (head & 0x3fU) << 8 | static_cast<unsigned char>(message[at]);
        break;
      default:
        return false;
    }
  }
  if (pointers == 0) offset = at;
  return true;
}

}  // namespace

std::optional<std::string> to_labels(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  std::string labels;
  while (!text.empty()) {
    const std::size_t dot = std::min(text.find('.'), text.size());
    if (dot == 0 || dot > kMaxLabel) return std::nullopt;
    labels += static_cast<char>(dot);
    labels += text.substr(0, dot);
    if (dot + 1 == text.size()) return std::nullopt;  // an empty label at the end
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  if (labels.size() >= kMaxName) return std::nullopt;
  return labels;
}

std::optional<std::string> to_name(std::string_view text) {
  std::optional<std::string> name = to_labels(text);
  if (name) *name += '\0';
  return name;
}

std::string to_text(std::string_view name) {
  std::string text;
  std::size_t offset = 0;
  walk(name, offset, [&](std::string_view label) {
    escape(label, [&](char c) { text += c; });
    text += '.';
    return true;
  });
  return text.empty() ? "." : text;
}

bool same_letters(const NameRef& a, const NameRef& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a.at(i)) != lower(b.at(i))) return false;
  }
  return true;
}

void QuestionName::clear() {
  size_ = labels_ = 0;
  finish();
}

bool QuestionName::add_label(std::string_view label) {
  offset_[labels_] = static_cast<std::uint8_t>(size_);
  wire_[size_++] = static_cast<char>(label.size());
  std::memcpy(wire_.data() + size_, label.data(), label.size());
  size_ += label.size();
  std::size_t end = labels_ == 0 ? 0 : text_end_[labels_ - 1] + std::size_t{1};
  if (labels_ != 0) text_[end - 1] = '.';
  text_offset_[labels_] = static_cast<std::uint16_t>(end);
  escape(label, [&](char c) { text_[end++] = lower(c); });
  text_end_[labels_++] = static_cast<std::uint16_t>(end);
  return true;
}

void QuestionName::finish() {
  offset_[labels_] = static_cast<std::uint8_t>(size_);
  wire_[size_++] = '\0';
}

bool QuestionName::read(std::string_view message, std::size_t& offset) {
  size_ = labels_ = 0;
  const bool whole = walk(message, offset, [&](std::string_view label) { return add_label(label); });
  if (!whole) size_ = labels_ = 0;
  finish();
  return whole;
}

bool QuestionName::assign(std::string_view name) {
  std::size_t offset = 0;
  return read(name, offset) && offset == name.size();
}

bool QuestionName::below(std::string_view domain, std::size_t domain_labels, std::size_t& label) const {
  if (domain_labels == 0 || domain_labels > labels_) return false;
  const std::size_t first = labels_ - domain_labels;
  const std::string_view end = wire(first);
  if (end.size() != domain.size()) return false;
  for (std::size_t i = 0; i < end.size(); ++i) {
    if (lower(end[i]) != domain[i]) return false;
  }
  label = first;
  return true;
}

bool read_name(std::string_view message, std::size_t& offset, std::string& name) {
  name.clear();
  const bool whole = walk(message, offset, [&](std::string_view label) {
    name += static_cast<char>(label.size());
    name += label;
    return true;
  });
  name += '\0';
  return whole;
}

std::size_t count_labels(std::string_view name) {
  std::size_t labels = 0;
  for (std::size_t at = 0; at < name.size() && name[at] != 0; at += static_cast<unsigned char>(name[at]) + 1U) ++labels;
  return labels;
}

}  // namespace proconsul::agent::dns
