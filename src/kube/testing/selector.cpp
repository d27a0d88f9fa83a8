#include "kube/testing/selector.hpp"

#include <optional>
#include <vector>

namespace nestor::kube::testing {

namespace {

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

/// Cuts at commas outside parentheses.
std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> out;
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '(') ++depth;
    if (i < text.size() && text[i] == ')') --depth;
    if (i < text.size() && (text[i] != ',' || depth > 0)) continue;
    if (const auto part = trim(text.substr(begin, i - begin)); !part.empty()) out.push_back(part);
    begin = i + 1;
  }
  return out;
}

struct Comparison {
  std::string_view key;
  bool equal = true;
  std::string_view value;
};

std::optional<Comparison> comparison(std::string_view term) {
  const auto sign = term.find('=');
  if (sign == std::string_view::npos) return std::nullopt;
  Comparison out;
  out.equal = sign == 0 || term[sign - 1] != '!';
  out.key = trim(term.substr(0, out.equal ? sign : sign - 1));
  out.value = term.substr(sign + 1);
  if (out.value.starts_with('=')) out.value.remove_prefix(1);
  out.value = trim(out.value);
  return out;
}

bool in_list(std::string_view value, std::string_view list) {
  list.remove_prefix(1);
  list.remove_suffix(1);
  for (const auto one : split(list)) {
    if (one == value) return true;
  }
  return false;
}

bool label_fits(const Json& object, std::string_view term) {
  const auto label = [&](std::string_view key) {
    return find(object, {"metadata", "labels", key});
  };
  const auto text = [&](std::string_view key) {
    return find_string(object, {"metadata", "labels", key});
  };
  if (const auto open = term.find('('); open != std::string_view::npos && term.ends_with(')')) {
    std::string_view head = trim(term.substr(0, open));
    const bool negative = head.ends_with(" notin");
    head.remove_suffix(negative ? 6 : head.ends_with(" in") ? 3 : 0);
    const std::string_view key = trim(head);
    const bool inside = label(key) != nullptr && in_list(text(key), term.substr(open));
    return inside != negative;
  }
  if (const auto compare = comparison(term)) {
    const bool same = label(compare->key) != nullptr && text(compare->key) == compare->value;
    return same == compare->equal;
  }
  if (term.starts_with('!')) return label(trim(term.substr(1))) == nullptr;
  return label(term) != nullptr;
}

std::string_view field(const Json& object, std::string_view path) {
  const Json* place = &object;
  while (!path.empty()) {
    const auto dot = path.find('.');
    place = find(*place, {path.substr(0, dot)});
    if (place == nullptr) return {};
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return place->is_string() ? std::string_view(place->get_string()) : std::string_view();
}

}  // namespace

bool labels_match(const Json& object, std::string_view selector) {
  for (const auto term : split(selector)) {
    if (!label_fits(object, term)) return false;
  }
  return true;
}

bool fields_match(const Json& object, std::string_view selector) {
  for (const auto term : split(selector)) {
    const auto compare = comparison(term);
    if (compare && (field(object, compare->key) == compare->value) != compare->equal) return false;
  }
  return true;
}

}  // namespace nestor::kube::testing
