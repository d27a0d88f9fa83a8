#pragma once

#include <boost/describe/class.hpp>

#include "kube/object.hpp"

namespace nestor::kube {

/// An object of kind `Type` of which only the metadata matters: cached as that, and asked of the
/// API server as that. `Type` is a constant of namespace scope.
template <const ResourceType& Type>
struct MetadataOf {
  static constexpr ResourceType kType = Type;
  static constexpr bool kMetadataOnly = true;
  ObjectMeta metadata;
  BOOST_DESCRIBE_CLASS(MetadataOf, (), (metadata), (), ())
};

}  // namespace nestor::kube
