// Texts within a packed object (pack.h), read where they lie: for what is asked of every row of a long answer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/pack_input.h"
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
    PackInput members{packed};
    std::size_t next = 0;
    while (next < kCount) {
      const std::uint64_t place = members.number();
      if (place == 0) break;
      PackInput content{members.text()};
      while (next < kCount && places_[next] < place) ++next;
      if (next < kCount && places_[next] == place) texts[next++] = content.text();
    }
    return texts;
  }

 private:
  std::array<std::uint64_t, kCount> places_{};
};

}  // namespace proconsul::base
