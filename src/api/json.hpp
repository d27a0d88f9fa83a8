#pragma once

#include "base/json_convert.hpp"

/// After a kind, at global scope: its conversion from and to JSON is compiled once, where
/// NESTOR_INSTANTIATE_JSON stands, and not in every source that uses it. That would be a fifth of
/// the time of a build.
#define NESTOR_EXTERN_JSON(Kind)                                                  \
  extern template nestor::Result<> nestor::read_json(const nestor::Json&, Kind&); \
  extern template nestor::Json nestor::to_json(const Kind&);

#define NESTOR_INSTANTIATE_JSON(Kind)                                      \
  template nestor::Result<> nestor::read_json(const nestor::Json&, Kind&); \
  template nestor::Json nestor::to_json(const Kind&);
