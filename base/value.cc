#include "base/value.h"

namespace proconsul::base {

double Value::number() const {
  if (const double* number = as_double()) return *number;
  if (const std::int64_t* number = as_int()) return static_cast<double>(*number);
  if (const std::uint64_t* number = as_uint()) return static_cast<double>(*number);
  return 0;
}

}  // namespace proconsul::base
