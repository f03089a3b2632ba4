// Texts within a packed object (pack.h), read where they lie: for what is asked of every row of a long answer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/type.h"

namespace proconsul::base {

/// Some members of a structure that are strings.
template <std::size_t kCount>
class PackedTexts {
 public:
  /// By their names on the wire, in the order in which the structure has them.
  PackedTexts(const Type& type, const std::array<std::string_view, kCount>& names) {
    for (std::size_t i = 0; i < kCount; ++i) {
      places_[i] = static_cast<std::uint64_t>(type.by_wire(names[i]) - type.fields.data()) + 1;
    }
  }

  /// Those of a packed object, empty where they are at their default; good as long as its bytes are.
  std::array<std::string_view, kCount> in(std::string_view packed) const {
    std::array<std::string_view, kCount> texts{};
    std::size_t next = 0;
    while (next < kCount) {
      const std::uint64_t place = number(packed);
      if (place == 0) break;
      std::string_view content = text(packed);
      while (next < kCount && places_[next] < place) ++next;
      if (next < kCount && places_[next] == place) texts[next++] = text(content);
    }
    return texts;
  }

 private:
  // As pack() writes them.
  static std::uint64_t number(std::string_view& left) {
    std::uint64_t value = 0;
    for (int shift = 0; !left.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(left.front());
      left.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value;
  }
  static std::string_view text(std::string_view& left) {
    const std::uint64_t size = number(left);
    const std::string_view text = left.substr(0, size);
    left.remove_prefix(text.size());
    return text;
  }

  std::array<std::uint64_t, kCount> places_{};
};

}  // namespace proconsul::base
