# Writes OUT, a source that holds every manifests/*.yaml of this folder as text.
# Run by the build: cmake -DOUT=… -DDIR=… -P manifests.cmake
file(GLOB files ${DIR}/*.yaml)
list(SORT files)
set(text "// Generated from src/controlplane/manifests.\n#include \"controlplane/manifest.hpp\"\n\n")
string(APPEND text "namespace nestor::controlplane {\n\n")
string(APPEND text "std::string_view embedded_manifest(std::string_view name) {\n")
foreach(file ${files})
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} content)
  string(APPEND text "  if (name == \"${name}\") return R\"nestor(${content})nestor\";\n")
endforeach()
string(APPEND text "  return {};\n}\n\n}  // namespace nestor::controlplane\n")
file(WRITE ${OUT} "${text}")
