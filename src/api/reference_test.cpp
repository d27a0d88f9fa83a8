#include "api/reference.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "api/all_crds.hpp"

namespace nestor::api {
namespace {

constexpr const char* kSample = R"(
spec:
  group: sample.dev
  scope: Cluster
  names: {kind: Sample, plural: samples, singular: sample, shortNames: [sa]}
  versions:
    - name: v1
      subresources: {scale: {}}
      schema:
        openAPIV3Schema:
          description: A sample.
          type: object
          required: [spec]
          properties:
            metadata: {type: object}
            spec:
              description: What is wanted.
              type: object
              required: [parts]
              properties:
                replicas: {description: How many., type: integer, default: 2, minimum: 0, maximum: 9}
                size: {x-kubernetes-int-or-string: true, pattern: "^[0-9]+$"}
                parts:
                  description: Its <parts>, `a*b`.
                  type: array
                  minItems: 1
                  items:
                    type: object
                    properties:
                      mode: {type: string, enum: ["", Fast, Slow]}
                labels: {type: object, additionalProperties: {type: string}}
                class:
                  type: string
                  x-kubernetes-validations: [{rule: self == oldSelf, message: fixed}]
            status:
              type: object
              properties:
                conditions:
                  type: array
                  x-kubernetes-list-map-keys: [type]
                  items: {type: object, properties: {type: {type: string}}}
)";

TEST(Reference, ListsFieldsWithWhatHoldsForThem) {
  const auto crds = parse_yaml_documents(kSample);
  ASSERT_TRUE(crds) << crds.error().message;
  const std::string text = api_reference(*crds);
  const auto at = text.find("| [Sample]");
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(text.substr(at), R"(| [Sample](#sample) | `sample.dev/v1` | `samples`, `sa` | Cluster |

## Sample

`sample.dev/v1`. A sample.
`kubectl scale` works on it.

- `spec` (object, required): What is wanted.
  - `replicas` (integer, default `2`, at least 0, at most 9): How many.
  - `size` (quantity)
  - `parts` (list of object, required, at least 1 of them): Its \<parts>, `a*b`.
    - `mode` (string, one of `""`, `Fast`, `Slow`)
  - `labels` (map of string)
  - `class` (string, immutable)
- `status` (object)
  - `conditions` (list of [conditions](#condition))

## Condition

What is true of an object just now, and why.

- `type` (string)
)");
}

TEST(Docs, HoldExactlyOurReference) {
  const std::filesystem::path root = NESTOR_SOURCE_DIR;
  std::ifstream file(root / "docs" / "reference" / "api.md", std::ios::binary);
  const std::string checked_in{std::istreambuf_iterator<char>(file), {}};
  // Not EXPECT_EQ: it would print both texts.
  EXPECT_TRUE(checked_in == api_reference(all_crds())) << "run 'make crds'";
}

}  // namespace
}  // namespace nestor::api
