#include "api/descriptions.hpp"

#include <algorithm>
#include <boost/core/demangle.hpp>
#include <string>
#include <utility>

namespace nestor::api {

std::string_view description_of(const std::type_info& type, std::string_view member) {
  const std::string name = boost::core::demangle(type.name());
  const std::pair<std::string_view, std::string_view> wanted(name, member);
  const auto key = [](const detail::Description& one) { return std::pair(one.type, one.member); };
  const auto table = detail::description_table();
  const auto found = std::ranges::lower_bound(table, wanted, {}, key);
  return found != table.end() && key(*found) == wanted ? found->text : std::string_view();
}

}  // namespace nestor::api
