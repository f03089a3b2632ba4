// Domain names in wire form: labels, each after its length, ended by an empty one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace proconsul::agent::dns {

inline constexpr std::size_t kMaxName = 255;  // bytes with the final empty label
inline constexpr std::size_t kMaxLabels = 128;

/// "web.service.dc1" as labels without the final empty one. Nothing if DNS has no such name: an empty or too long
/// label, or too long a name. A dot at the end is allowed.
std::optional<std::string> to_labels(std::string_view text);
/// The same with the final empty label: a whole name. "." and "" are the root.
std::optional<std::string> to_name(std::string_view text);
/// Presentation form with a dot at the end; what is unusual in a label is escaped.
std::string to_text(std::string_view name);
/// Letters alone have case: the length of a label is never mistaken for one.
inline char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

/// A name in two pieces, so that the same labels can stand before the domain of any question.
struct NameRef {
  std::string_view head{};  // labels
  std::string_view tail{};  // labels and the final empty one
  std::size_t size() const { return head.size() + tail.size(); }
  bool fits() const { return !tail.empty() && size() <= kMaxName; }
  char at(std::size_t i) const { return i < head.size() ? head[i] : tail[i - head.size()]; }
};
bool same_letters(const NameRef& a, const NameRef& b);

/// The name that is asked for, taken apart.
class QuestionName {
 public:
  QuestionName() { clear(); }
  void clear();
  /// Follows the name at `offset` of a message, compressed or not, and moves `offset` behind it. False if it is
  /// malformed.
  bool read(std::string_view message, std::size_t& offset);
  /// Takes a whole name.
  bool assign(std::string_view name);

  std::size_t labels() const { return labels_; }
  /// In the letter case of the question, from one label on.
  std::string_view wire(std::size_t label = 0) const {
    return {wire_.data() + offset_[label], size_ - std::size_t{offset_[label]}};
  }
  /// One label or several, joined by dots: in lower case, in presentation form.
  std::string_view text(std::size_t first, std::size_t end) const {
    if (first >= end) return {};
    return {text_.data() + text_offset_[first], std::size_t{text_end_[end - 1]} - text_offset_[first]};
  }
  std::string_view text(std::size_t label) const { return text(label, label + 1); }
  /// Whether it ends with this domain, a whole name in lower case; then `label` says where that begins.
  bool below(std::string_view domain, std::size_t domain_labels, std::size_t& label) const;

 private:
  bool add_label(std::string_view label);
  void finish();

  std::array<char, kMaxName> wire_;
  std::array<char, kMaxName * 4> text_;
  std::size_t size_ = 0;
  std::size_t labels_ = 0;
  std::array<std::uint8_t, kMaxLabels> offset_;
  std::array<std::uint16_t, kMaxLabels> text_offset_;
  std::array<std::uint16_t, kMaxLabels> text_end_;
};

/// Reads a name of a message, as QuestionName does, as one whole uncompressed name.
bool read_name(std::string_view message, std::size_t& offset, std::string& name);
std::size_t count_labels(std::string_view name);

}  // namespace proconsul::agent::dns
