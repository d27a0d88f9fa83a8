#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <sstream>

#include "base/json.hpp"
#include "base/yaml_scalar.hpp"

namespace nestor {

namespace {

constexpr int kMaxYamlDepth = 100;
/// Bytes of values that a text may describe. Without aliases it is always enough: a value takes two
/// bytes of text at least.
std::size_t most_bytes(std::size_t text) {
  constexpr std::size_t kFloor = 1UL << 20;
  constexpr std::size_t kCeiling = 64UL << 20;
  return std::min(kFloor + 16 * text, kCeiling);
}
/// Whether a text is to be one document without aliases.
enum class Plain { kNo, kYes };
constexpr std::string_view kStringTag = "tag:yaml.org,2002:str";

std::unexpected<Error> bad_yaml(const YAML::Mark& mark, const std::string& why) {
  std::string where;
  if (!mark.is_null()) where = " at line " + std::to_string(mark.line + 1);
  return fail(Code::kInvalidArgument, "invalid YAML" + where + ": " + why);
}

/// Reads the documents of a text.
class Reader {
 public:
  explicit Reader(std::size_t most) : left_(most) {}

  Result<Json> read(const YAML::Node& node, int depth) {
    if (depth > kMaxYamlDepth) return bad_yaml(node.Mark(), "nested too deeply");
    NESTOR_TRY_VOID(count(node, sizeof(Json)));
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
  /// Aliases repeat what they name, so a small text can describe a huge tree.
  Result<> count(const YAML::Node& node, std::size_t bytes) {
    if (bytes > left_) return bad_yaml(node.Mark(), "too many bytes of values");
    left_ -= bytes;
    return {};
  }

  Result<Json> scalar(const YAML::Node& node) {
    const std::string& text = node.Scalar();
    NESTOR_TRY_VOID(count(node, text.size()));
    // yaml-cpp's tags: "?" for a plain scalar, "!" for a quoted one.
    if (node.Tag() == "!" || node.Tag() == kStringTag) return Json(boost::json::string(text));
    Result<Json> value = yaml::plain_scalar(text);
    if (!value) return bad_yaml(node.Mark(), value.error().message);
    return value;
  }

  Result<Json> sequence(const YAML::Node& node, int depth) {
    JsonArray array;
    array.reserve(node.size());
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
      NESTOR_TRY_VOID(count(item.first, key.size()));
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

  std::size_t left_;
};

/// Sees what is in a text before a tree is made of it, and whether documents follow one another.
/// After a comma outside of brackets (`{}, a`) yaml-cpp finds an empty document at the comma, which
/// it does not take, again and again without end.
class Events final : public YAML::EventHandler {
 public:
  bool stuck() const { return stuck_; }
  int documents() const { return documents_; }
  bool aliases() const { return aliases_; }
  const YAML::Mark& mark() const { return mark_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    stuck_ = documents_ > 0 && mark.pos <= mark_.pos;
    ++documents_;
    mark_ = mark;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override { aliases_ = true; }
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  int documents_ = 0;
  bool aliases_ = false;
  bool stuck_ = false;
  YAML::Mark mark_;
};

Result<> check_events(const std::string& text, Plain plain) {
  std::istringstream in(text);
  YAML::Parser parser(in);
  Events events;
  while (parser.HandleNextDocument(events)) {
    if (events.stuck()) return bad_yaml(events.mark(), "a comma outside of brackets");
    if (plain == Plain::kNo) continue;
    if (events.documents() > 1) return bad_yaml(events.mark(), "more than one document");
    if (events.aliases()) return bad_yaml(events.mark(), "it has aliases");
  }
  return {};
}

Result<std::vector<Json>> parse_documents(const std::string& text, Plain plain) {
  try {
    NESTOR_TRY_VOID(check_events(text, plain));
    std::vector<Json> documents;
    Reader reader(most_bytes(text.size()));
    for (const YAML::Node& node : YAML::LoadAll(text)) {
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

}  // namespace

Result<std::vector<Json>> parse_yaml_documents(std::string_view text) {
  return parse_documents(std::string(text), Plain::kNo);
}

Result<Json> parse_plain_yaml(std::string_view text, std::size_t max_size) {
  if (text.size() > max_size) {
    return fail(Code::kInvalidArgument, "YAML of more than " + std::to_string(max_size) + " bytes");
  }
  NESTOR_TRY(std::vector<Json> documents, parse_documents(std::string(text), Plain::kYes));
  return documents.empty() ? Json(nullptr) : std::move(documents.front());
}

}  // namespace nestor
