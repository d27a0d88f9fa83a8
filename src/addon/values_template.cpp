#include "addon/values_template.hpp"

#include <fmt/core.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/base64.hpp"

namespace nestor::addon {
namespace {

/// helm's `tpl` gives templates this name.
constexpr std::string_view kInnerName = "gotpl";

/// An interpreted string literal of Go. Text is valid UTF-8, as all JSON.
void append_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (const auto byte = static_cast<unsigned char>(c); byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  out += '"';
}

void append(std::string& out, const Json& value) {
  if (value.is_object()) {
    out += "(dict";
    for (const auto& [key, member] : value.get_object()) {
      if (member.is_null()) continue;
      out += ' ';
      append_string(out, key);
      out += ' ';
      append(out, member);
    }
    out += ')';
  } else if (value.is_array()) {
    out += "(list";
    for (const Json& item : value.get_array()) {
      out += ' ';
      append(out, item);
    }
    out += ')';
  } else if (value.is_string()) {
    append_string(out, value.get_string());
  } else if (value.is_null()) {
    out += "nil";
  } else {
    // Numbers and booleans are written as in JSON; 1E20 is a number in Go too.
    out += to_text(value);
  }
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

bool has_actions(std::string_view values_template) {
  return values_template.find("{{") != std::string_view::npos;
}

Json visible(Json object, std::string_view values_template) {
  if (!object.is_object()) return object;
  if (values_template.find("status") == std::string_view::npos) object.get_object().erase("status");
  if (Json* metadata = object.get_object().if_contains("metadata");
      metadata != nullptr && metadata->is_object()) {
    metadata->get_object().erase("managedFields");
    metadata->get_object().erase("resourceVersion");
  }
  return object;
}

std::string go_expression(const Json& value) {
  std::string out;
  append(out, value);
  return out;
}

std::map<std::string, std::string> template_chart(std::string_view values_template,
                                                  const Json& data) {
  std::string text = "{{- /* Base64: the result may be anything, not just a manifest. */ -}}\n";
  text += "result: {{ tpl ";
  append_string(text, values_template);
  text += ' ';
  append(text, data);
  text += " | b64enc | quote }}\n";
  return {{"Chart.yaml", "apiVersion: v2\nname: values\nversion: 0.0.0\n"},
          {"templates/values.yaml", std::move(text)}};
}

Result<std::string> rendered_values(std::string_view helm_output) {
  constexpr std::string_view kMark = "\nresult: \"";
  const auto begin = helm_output.find(kMark);
  if (begin == std::string_view::npos) return fail(Code::kDataLoss, "helm rendered nothing");
  helm_output.remove_prefix(begin + kMark.size());
  const auto end = helm_output.find('"');
  if (end == std::string_view::npos) return fail(Code::kDataLoss, "helm's answer is cut off");
  return base64_decode(helm_output.substr(0, end));
}

std::string template_fault(std::string_view helm_errors) {
  std::string text(helm_errors);
  const std::string mark = "template: " + std::string(kInnerName) + ":";
  if (const auto at = text.rfind(mark); at != std::string::npos) {
    text.erase(0, at + std::string_view("template: ").size());
  }
  text.erase(std::min(text.find('\n'), text.size()));
  replace_all(text, kInnerName, "valuesTemplate");
  return text;
}

}  // namespace nestor::addon
