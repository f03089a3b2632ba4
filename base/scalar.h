// Numbers of any width behind a void pointer, for the codecs that walk type descriptions.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/type.h"

namespace proconsul::base {

template <class T>
T load(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}
template <class T>
void store(void* to, T value) {
  std::memcpy(to, &value, sizeof(T));
}

inline std::int64_t load_signed(const Type& type, const void* from) {
  switch (type.bits) {
    case 8:
      return load<std::int8_t>(from);
    case 16:
      return load<std::int16_t>(from);
    case 32:
      return load<std::int32_t>(from);
    default:
      return load<std::int64_t>(from);
  }
}
inline std::uint64_t load_unsigned(const Type& type, const void* from) {
  switch (type.bits) {
    case 8:
      return load<std::uint8_t>(from);
    case 16:
      return load<std::uint16_t>(from);
    case 32:
      return load<std::uint32_t>(from);
    default:
      return load<std::uint64_t>(from);
  }
}
/// The value must fit (see fits_signed, fits_unsigned).
inline void store_signed(const Type& type, void* to, std::int64_t value) {
  switch (type.bits) {
    case 8:
      store(to, static_cast<std::int8_t>(value));
      break;
    case 16:
      store(to, static_cast<std::int16_t>(value));
      break;
    case 32:
      store(to, static_cast<std::int32_t>(value));
      break;
    default:
      store(to, value);
  }
}
inline void store_unsigned(const Type& type, void* to, std::uint64_t value) {
  switch (type.bits) {
    case 8:
      store(to, static_cast<std::uint8_t>(value));
      break;
    case 16:
      store(to, static_cast<std::uint16_t>(value));
      break;
    case 32:
      store(to, static_cast<std::uint32_t>(value));
      break;
    default:
      store(to, value);
  }
}
inline bool fits_signed(unsigned bits, std::int64_t value) {
  return bits >= 64 || (value >= -(std::int64_t{1} << (bits - 1)) && value < std::int64_t{1} << (bits - 1));
}
inline bool fits_unsigned(unsigned bits, std::uint64_t value) {
  return bits >= 64 || value >> bits == 0;
}

/// Go's omitempty: false, 0, nil, and texts, lists and maps without elements. Structs and times never are; but a
/// Rare<T> is when it is zero, since it is asked only for structs that Go's own marshalers leave out then.
bool is_empty(const Type& type, const void* object);
/// The zero value throughout; a struct is zero if all its fields are.
bool is_zero(const Type& type, const void* object);

}  // namespace proconsul::base
