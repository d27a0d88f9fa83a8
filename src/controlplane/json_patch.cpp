#include "controlplane/json_patch.hpp"

#include <optional>

#include "base/text.hpp"

namespace nestor::controlplane {
namespace {

using api::kamaji::JsonPatch;

/// The tokens of a JSON pointer, unescaped.
Result<std::vector<std::string>> split_pointer(std::string_view pointer) {
  std::vector<std::string> tokens;
  if (pointer.empty()) return tokens;
  if (pointer.front() != '/') {
    return fail(Code::kInvalidArgument, "path \"" + std::string(pointer) + "\" lacks a leading /");
  }
  for (std::size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] == '/') {
      tokens.emplace_back();
    } else if (pointer[i] == '~') {
      const char next = i + 1 < pointer.size() ? pointer[i + 1] : '\0';
      if (next != '0' && next != '1') {
        return fail(Code::kInvalidArgument, "path \"" + std::string(pointer) + "\": bad escape");
      }
      tokens.back() += next == '0' ? '~' : '/';
      ++i;
    } else {
      tokens.back() += pointer[i];
    }
  }
  return tokens;
}

/// An index into a list of `size`; `size` itself is allowed when `end` is.
std::optional<std::size_t> list_index(std::string_view token, std::size_t size, bool end) {
  if (end && token == "-") return size;
  if (token.size() > 1 && token.front() == '0') return std::nullopt;
  const auto index = parse_number<std::size_t>(token);
  if (!index || *index > size || (*index == size && !end)) return std::nullopt;
  return index;
}

Json* step(Json& at, const std::string& token) {
  if (at.is_object()) return at.get_object().if_contains(token);
  if (at.is_array()) {
    const auto index = list_index(token, at.get_array().size(), false);
    return index ? &at.get_array()[*index] : nullptr;
  }
  return nullptr;
}

Json* walk(Json& document, const std::vector<std::string>& tokens, std::size_t count) {
  Json* at = &document;
  for (std::size_t i = 0; i < count && at != nullptr; ++i) at = step(*at, tokens[i]);
  return at;
}

Result<> add(Json& document, const std::string& path, Json value) {
  NESTOR_TRY(const auto tokens, split_pointer(path));
  if (tokens.empty()) {
    document = std::move(value);
    return {};
  }
  Json* parent = walk(document, tokens, tokens.size() - 1);
  if (parent != nullptr && parent->is_object()) {
    parent->get_object()[tokens.back()] = std::move(value);
    return {};
  }
  if (parent != nullptr && parent->is_array()) {
    JsonArray& list = parent->get_array();
    if (const auto index = list_index(tokens.back(), list.size(), true)) {
      list.insert(list.begin() + static_cast<std::ptrdiff_t>(*index), std::move(value));
      return {};
    }
  }
  return fail(Code::kInvalidArgument, "path \"" + path + "\" has no parent to add to");
}

/// Takes out and returns what is at `path`, or nothing when it is not there.
Result<std::optional<Json>> take(Json& document, const std::string& path) {
  NESTOR_TRY(const auto tokens, split_pointer(path));
  if (tokens.empty()) return fail(Code::kInvalidArgument, "the whole document cannot be removed");
  Json* parent = walk(document, tokens, tokens.size() - 1);
  Json* target = parent == nullptr ? nullptr : step(*parent, tokens.back());
  if (target == nullptr) return std::optional<Json>();
  std::optional<Json> out = *target;
  if (parent->is_object()) {
    parent->get_object().erase(tokens.back());
  } else {
    JsonArray& list = parent->get_array();
    list.erase(list.begin() + (target - list.data()));
  }
  return out;
}

Result<Json> read(Json& document, const std::string& path) {
  NESTOR_TRY(const auto tokens, split_pointer(path));
  const Json* target = walk(document, tokens, tokens.size());
  if (target == nullptr) return fail(Code::kInvalidArgument, "path \"" + path + "\" is not there");
  return *target;
}

Result<> apply_one(Json& document, const JsonPatch& patch, std::vector<std::string>& warnings) {
  if (patch.op == "add") return add(document, patch.path, patch.value);
  if (patch.op == "remove") {
    NESTOR_TRY(const auto removed, take(document, patch.path));
    if (!removed) warnings.push_back("remove " + patch.path + ": not there");
    return {};
  }
  if (patch.op == "replace") {
    NESTOR_TRY(const auto tokens, split_pointer(patch.path));
    Json* target = walk(document, tokens, tokens.size());
    if (target == nullptr) {
      return fail(Code::kInvalidArgument, "path \"" + patch.path + "\" is not there");
    }
    *target = patch.value;
    return {};
  }
  if (patch.op == "copy") {
    NESTOR_TRY(Json value, read(document, patch.from));
    return add(document, patch.path, std::move(value));
  }
  if (patch.op == "move") {
    if (patch.path.starts_with(patch.from + "/")) {
      return fail(Code::kInvalidArgument, "a value cannot move into itself");
    }
    NESTOR_TRY(Json value, read(document, patch.from));
    NESTOR_TRY_VOID(take(document, patch.from));
    return add(document, patch.path, std::move(value));
  }
  if (patch.op == "test") {
    NESTOR_TRY(const Json value, read(document, patch.path));
    if (value == patch.value) return {};
    return fail(Code::kFailedPrecondition, "test of \"" + patch.path + "\" does not hold");
  }
  return fail(Code::kInvalidArgument, "unknown operation \"" + patch.op + "\"");
}

}  // namespace

Result<> apply_json_patch(Json& document, const std::vector<JsonPatch>& patches,
                          std::vector<std::string>& warnings) {
  if (patches.size() > kMaxJsonPatches) {
    return fail(Code::kInvalidArgument, std::to_string(patches.size()) + " JSON patches; at most " +
                                            std::to_string(kMaxJsonPatches) + " are allowed");
  }
  for (std::size_t i = 0; i < patches.size(); ++i) {
    auto done = apply_one(document, patches[i], warnings);
    if (done && to_text(document).size() > kMaxPatchedBytes) {
      done = fail(Code::kInvalidArgument,
                  "the result is larger than " + std::to_string(kMaxPatchedBytes) + " bytes");
    }
    if (!done) return with_context(std::move(done).error(), "JSON patch " + std::to_string(i));
  }
  return {};
}

}  // namespace nestor::controlplane
