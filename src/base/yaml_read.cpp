#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <sstream>

#include "base/json.hpp"
#include "base/yaml_scalar.hpp"

namespace nestor {

namespace {

constexpr int kMaxYamlDepth = 100;
/// Aliases repeat what they name, so a small text can describe a huge tree.
constexpr std::size_t kMaxNodes = 1'000'000;
constexpr std::string_view kStringTag = "tag:yaml.org,2002:str";

std::unexpected<Error> bad_yaml(const YAML::Mark& mark, const std::string& why) {
  std::string where;
  if (!mark.is_null()) where = " at line " + std::to_string(mark.line + 1);
  return fail(Code::kInvalidArgument, "invalid YAML" + where + ": " + why);
}

class Reader {
 public:
  Result<Json> read(const YAML::Node& node, int depth) {
    if (depth > kMaxYamlDepth) return bad_yaml(node.Mark(), "nested too deeply");
    if (++nodes_ > kMaxNodes) return bad_yaml(node.Mark(), "too many values");
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        return Json(nullptr);
      case YAML::NodeType::Scalar:
        return scalar(node);
      case YAML::NodeType::Sequence:
        return sequence(node, depth);
      case YAML::NodeType::Map:
        return map(node, depth);
    }
    return bad_yaml(node.Mark(), "unknown kind of value");
  }

 private:
  Result<Json> scalar(const YAML::Node& node) {
    const std::string& text = node.Scalar();
    // yaml-cpp's tags: "?" for a plain scalar, "!" for a quoted one.
    if (node.Tag() == "!" || node.Tag() == kStringTag) return Json(boost::json::string(text));
    Result<Json> value = yaml::plain_scalar(text);
    if (!value) return bad_yaml(node.Mark(), value.error().message);
    return value;
  }

  Result<Json> sequence(const YAML::Node& node, int depth) {
    JsonArray array;
    for (const YAML::Node& item : node) {
      NESTOR_TRY(Json value, read(item, depth + 1));
      array.push_back(std::move(value));
    }
    return Json(std::move(array));
  }

  Result<Json> map(const YAML::Node& node, int depth) {
    JsonObject object;
    JsonObject merged;
    for (const auto& item : node) {
      if (!item.first.IsScalar()) return bad_yaml(item.first.Mark(), "a key must be a string");
      const std::string& key = item.first.Scalar();
      NESTOR_TRY(Json value, read(item.second, depth + 1));
      if (key == "<<" && item.first.Tag() == "?") {
        NESTOR_TRY_VOID(merge(item.first.Mark(), value, merged));
        continue;
      }
      if (object.contains(key)) return bad_yaml(item.first.Mark(), "key \"" + key + "\" twice");
      object[key] = std::move(value);
    }
    for (auto& item : merged) object.emplace(item.key(), std::move(item.value()));
    return Json(std::move(object));
  }

  /// The merge key "<<" names a map, or a list of maps of which earlier ones win.
  static Result<> merge(const YAML::Mark& mark, const Json& value, JsonObject& into) {
    if (value.is_object()) {
      for (const auto& item : value.get_object()) into.emplace(item.key(), item.value());
      return {};
    }
    if (!value.is_array()) return bad_yaml(mark, "\"<<\" needs a map");
    for (const Json& item : value.get_array()) {
      if (!item.is_object()) return bad_yaml(mark, "\"<<\" needs maps");
      NESTOR_TRY_VOID(merge(mark, item, into));
    }
    return {};
  }

  std::size_t nodes_ = 0;
};

/// Sees whether documents follow one another. After a comma outside of brackets (`{}, a`) yaml-cpp
/// finds an empty document at the comma, which it does not take, again and again without end.
class Progress final : public YAML::EventHandler {
 public:
  bool stuck() const { return stuck_; }
  const YAML::Mark& mark() const { return mark_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    stuck_ = started_ && mark.pos <= mark_.pos;
    started_ = true;
    mark_ = mark;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  bool started_ = false;
  bool stuck_ = false;
  YAML::Mark mark_;
};

Result<> check_progress(const std::string& text) {
  std::istringstream in(text);
  YAML::Parser parser(in);
  Progress progress;
  while (parser.HandleNextDocument(progress)) {
    if (progress.stuck()) return bad_yaml(progress.mark(), "a comma outside of brackets");
  }
  return {};
}

}  // namespace

Result<std::vector<Json>> parse_yaml_documents(std::string_view text) {
  try {
    NESTOR_TRY_VOID(check_progress(std::string(text)));
    std::vector<Json> documents;
    for (const YAML::Node& node : YAML::LoadAll(std::string(text))) {
      Reader reader;
      NESTOR_TRY(Json document, reader.read(node, 0));
      // Manifests often have empty documents between or after "---" lines; they say nothing.
      if (!document.is_null()) documents.push_back(std::move(document));
    }
    return documents;
  } catch (const YAML::Exception& error) {
    return bad_yaml(error.mark, error.msg);
  } catch (const std::exception& error) {
    return fail(Code::kInvalidArgument, std::string("invalid YAML: ") + error.what());
  }
}

}  // namespace nestor
