# Messages of upstream's protocols as libraries: nestor_protocol_konnectivity, nestor_protocol_csi,
# nestor_protocol_pluginregistration; `#include "csi.pb.h"`, in source files only.
# Out of Go modules, by upstream/fetch-protocols; protobuf's lite runtime, static.

set(PROTOCOLS_DIR ${CMAKE_BINARY_DIR}/protocols)
execute_process(
  COMMAND ${PROJECT_SOURCE_DIR}/upstream/fetch-protocols ${PROTOCOLS_DIR}
  RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "upstream/fetch-protocols failed")
endif()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/upstream/fetch-protocols ${PROJECT_SOURCE_DIR}/upstream/protocols/go.sum)

find_library(PROTOBUF_LITE_LIBRARY NAMES libprotobuf-lite.a REQUIRED)

function(nestor_protocol name)
  set(sources ${ARGN})
  list(TRANSFORM sources PREPEND ${PROTOCOLS_DIR}/)
  add_library(nestor_protocol_${name} STATIC EXCLUDE_FROM_ALL ${sources})
  target_include_directories(nestor_protocol_${name} SYSTEM PUBLIC ${PROTOCOLS_DIR})
  target_link_libraries(nestor_protocol_${name} PUBLIC nestor_options ${PROTOBUF_LITE_LIBRARY})
  target_compile_options(nestor_protocol_${name} PRIVATE -w)
endfunction()

nestor_protocol(konnectivity konnectivity.pb.cc)
nestor_protocol(csi csi.pb.cc google/protobuf/wrappers.pb.cc google/protobuf/timestamp.pb.cc)
nestor_protocol(pluginregistration pluginregistration.pb.cc)
