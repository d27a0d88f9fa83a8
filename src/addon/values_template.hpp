#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/json.hpp"

/// A HelmChartProxy's valuesTemplate, rendered by helm's own engine: Go's text/template with helm's
/// and sprig's functions, so that what works elsewhere works here. The template becomes the one
/// template of a chart made for it, which `helm template` renders without talking to any cluster.
/// Pure; running helm is the caller's part. Source: the CAAPH book, "values template".
namespace nestor::addon {

/// Whether there is an action in it at all; other text is its own result.
bool has_actions(std::string_view values_template);

/// What a template may see of an object: all but managedFields and resourceVersion, and `status`
/// only if `values_template` has that word in it, so that the others need not be rendered anew with
/// each change of a status.
Json visible(Json object, std::string_view values_template);

/// `value` as an expression of Go templates, with whole numbers as integers (values read from a
/// file would all be floating-point). null members are left out.
std::string go_expression(const Json& value);

/// Path to content of the chart that renders `values_template` over `data`.
std::map<std::string, std::string> template_chart(std::string_view values_template,
                                                  const Json& data);

/// The rendered values in the output of `helm template`. Errors: kDataLoss.
Result<std::string> rendered_values(std::string_view helm_output);

/// What helm said about the template, without the wrapping that is ours:
/// "valuesTemplate:4:42: executing …".
std::string template_fault(std::string_view helm_errors);

}  // namespace nestor::addon
