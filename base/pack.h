// A described object as few bytes as possible, for rows that lie in memory by the hundred thousand: what is at its
// default takes no room, numbers and lengths are as short as their values. The form lives and dies with the process: it
// depends on the order of fields in the code, so it never goes to a disk or a wire.
#pragma once

#include <string>
#include <string_view>

#include "base/type.h"

namespace proconsul::base {

/// Appends the packed form.
void pack(std::string& out, const Type& type, const void* object);
/// Fills a default object from what pack() made; the bytes are trusted.
void unpack(std::string_view packed, const Type& type, void* object);
/// Only this member of a packed structure, into a default member of its type; false if it is at its default.
bool unpack_field(std::string_view packed, const Type& type, const Field& field, void* member);

template <class T>
std::string pack(const T& object) {
  std::string out;
  pack(out, type_of<T>(), &object);
  return out;
}
template <class T>
T unpack(std::string_view packed) {
  T object{};
  unpack(packed, type_of<T>(), &object);
  return object;
}
/// Equal in every field, nil told from empty: Go's reflect.DeepEqual.
bool deep_equal(const Type& type, const void* a, const void* b);
template <class T>
bool deep_equal(const T& a, const T& b) {
  return deep_equal(type_of<T>(), &a, &b);
}

}  // namespace proconsul::base
