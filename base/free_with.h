// Ownership of what a C library gave out.
#pragma once

namespace proconsul::base {

/// A deleter for std::unique_ptr that calls the library's own function: FreeWith<BIO_free>.
template <auto kFree>
struct FreeWith {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};

}  // namespace proconsul::base
