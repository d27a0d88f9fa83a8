#pragma once

#include <span>
#include <string_view>
#include <typeinfo>

/// What the `///` comments in the headers of src/api say. The build gathers them
/// (description_table.py); they become the descriptions in the CRDs.
namespace nestor::api {

/// The comment of a described struct or, with its C++ name, of one of its members: as one line, and
/// "" where there is none.
std::string_view description_of(const std::type_info& type, std::string_view member = "");

namespace detail {

struct Description {
  /// As in "nestor::api::cluster::MachineSpec".
  std::string_view type;
  /// "" for the struct itself.
  std::string_view member;
  std::string_view text;
};
/// Sorted by type and member. Generated.
std::span<const Description> description_table();

}  // namespace detail
}  // namespace nestor::api
