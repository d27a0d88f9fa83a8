#include "controlplane/manifest.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace nestor::controlplane {
namespace {

Result<const Json*> look_up(std::string_view name, const Variables& variables) {
  const auto found = variables.find(name);
  if (found == variables.end()) {
    return fail(Code::kInvalidArgument, "unknown variable " + std::string(name));
  }
  return &found->second;
}

Result<std::string> as_text(const Json& value, std::string_view name) {
  if (value.is_string()) return std::string(std::string_view(value.get_string()));
  if (value.is_int64() || value.is_uint64()) return to_text(value);
  return fail(Code::kInvalidArgument,
              "variable " + std::string(name) + " does not fit into a text");
}

Result<Json> substitute_text(std::string_view text, const Variables& variables) {
  std::string out;
  std::size_t at = 0;
  while (true) {
    const std::size_t begin = text.find("${", at);
    if (begin == std::string_view::npos) break;
    const std::size_t end = text.find('}', begin);
    if (end == std::string_view::npos) {
      return fail(Code::kInvalidArgument, "a variable without closing brace");
    }
    const std::string_view name = text.substr(begin + 2, end - begin - 2);
    NESTOR_TRY(const Json* const value, look_up(name, variables));
    if (begin == 0 && end + 1 == text.size()) return *value;
    NESTOR_TRY(const std::string inner, as_text(*value, name));
    out.append(text.substr(at, begin - at)).append(inner);
    at = end + 1;
  }
  out.append(text.substr(at));
  return Json(boost::json::string(out));
}

}  // namespace

Result<> substitute(Json& document, const Variables& variables) {
  if (document.is_string()) {
    NESTOR_TRY(document, substitute_text(document.get_string(), variables));
  } else if (document.is_array()) {
    for (Json& item : document.get_array()) NESTOR_TRY_VOID(substitute(item, variables));
  } else if (document.is_object()) {
    for (auto& member : document.get_object()) {
      NESTOR_TRY_VOID(substitute(member.value(), variables));
    }
  }
  return {};
}

Result<std::vector<Json>> render_manifest(std::string_view name, const Variables& variables) {
  const std::string_view text = embedded_manifest(name);
  if (text.empty()) return fail(Code::kNotFound, "no manifest " + std::string(name));
  NESTOR_TRY(std::vector<Json> documents, parse_yaml_documents(text));
  for (Json& document : documents) {
    if (auto done = substitute(document, variables); !done) {
      return with_context(std::move(done).error(), "manifest " + std::string(name));
    }
  }
  return documents;
}

}  // namespace nestor::controlplane
