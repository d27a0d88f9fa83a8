#include "vm/launcher/qmp.hpp"

#include <fmt/core.h>

#include <optional>

namespace nestor::vm {
namespace {

std::string version_text(const Json& greeting) {
  const Json* version = find(greeting, {"QMP", "version", "qemu"});
  if (version == nullptr || !version->is_object()) return "";
  const auto part = [&](std::string_view name) {
    const Json* number = find(*version, {name});
    return number != nullptr && number->is_int64() ? number->get_int64() : 0;
  };
  return fmt::format("{}.{}.{}", part("major"), part("minor"), part("micro"));
}

std::optional<QmpMessage> read_message(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  const JsonObject& object = json.get_object();
  if (object.contains("QMP")) return QmpGreeting{version_text(json)};
  if (object.contains("event")) {
    const Json* data = object.if_contains("data");
    return QmpEvent{std::string(find_string(json, {"event"})), data ? *data : Json(JsonObject{})};
  }
  const Json* id = object.if_contains("id");
  // an error without id answers something that QEMU could not read: none of our commands
  if (id == nullptr || !id->is_int64()) return std::nullopt;
  if (const Json* value = object.if_contains("return")) return QmpReply{id->get_int64(), *value};
  if (object.contains("error")) {
    const std::string_view kind = find_string(json, {"error", "class"});
    return QmpReply{id->get_int64(), fail(kind == "CommandNotFound"  ? Code::kUnimplemented
                                          : kind == "DeviceNotFound" ? Code::kNotFound
                                                                     : Code::kInternal,
                                          std::string(find_string(json, {"error", "desc"})))};
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<QmpMessage>> QmpDecoder::feed(std::string_view bytes) {
  std::vector<QmpMessage> out;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    rest_.append(bytes.substr(0, end));
    if (rest_.size() > kMaxLine) return fail(Code::kInvalidArgument, "QMP line too long");
    if (end == std::string_view::npos) break;
    bytes.remove_prefix(end + 1);
    if (rest_.ends_with('\r')) rest_.pop_back();
    const std::string line = std::exchange(rest_, {});
    if (line.empty()) continue;
    NESTOR_TRY(const Json json, parse_json(line));
    if (auto message = read_message(json)) out.push_back(std::move(*message));
  }
  return out;
}

std::string qmp_command(std::int64_t id, std::string_view name, const Json& arguments) {
  JsonObject command{{"execute", name}, {"id", id}};
  if (!arguments.is_null()) command["arguments"] = arguments;
  return to_text(command) + "\n";
}

}  // namespace nestor::vm
