# How every part of Nestor is compiled, and the two functions that declare a part.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(Boost_USE_STATIC_LIBS ON)
set(OPENSSL_USE_STATIC_LIBS ON)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(OpenSSL REQUIRED)
find_package(GTest REQUIRED)

set(NESTOR_SANITIZE "" CACHE STRING "Sanitizers to build with, as -fsanitize= takes them")

add_library(nestor_options INTERFACE)
target_include_directories(nestor_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_options(nestor_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast
  -Wimplicit-fallthrough -Wunused -Werror)
target_compile_definitions(nestor_options INTERFACE
  NESTOR_VERSION="${PROJECT_VERSION}"
  BOOST_ASIO_NO_DEPRECATED
  BOOST_ASIO_DISABLE_BOOST_DATE_TIME)
target_link_options(nestor_options INTERFACE -fuse-ld=mold)
if(CMAKE_BUILD_TYPE STREQUAL Debug)
  target_compile_options(nestor_options INTERFACE -gsimple-template-names -g1)
endif()
if(NESTOR_SANITIZE)
  target_compile_options(nestor_options INTERFACE
    -fsanitize=${NESTOR_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(nestor_options INTERFACE -fsanitize=${NESTOR_SANITIZE})
endif()
target_link_libraries(nestor_options INTERFACE Threads::Threads)

# nestor_library(NAME x SOURCES a.cpp ... DEPS y z)
# One folder of src/ as a static library; DEPS name other folders or imported targets.
function(nestor_library)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;DEPS" ${ARGN})
  add_library(nestor_${ARG_NAME} STATIC ${ARG_SOURCES})
  target_link_libraries(nestor_${ARG_NAME} PUBLIC nestor_options)
  foreach(dep ${ARG_DEPS})
    if(TARGET nestor_${dep})
      target_link_libraries(nestor_${ARG_NAME} PUBLIC nestor_${dep})
    else()
      target_link_libraries(nestor_${ARG_NAME} PUBLIC ${dep})
    endif()
  endforeach()
endfunction()

# nestor_test(NAME x_test SOURCES a_test.cpp ... DEPS x [LABEL unit])
# One GoogleTest program, run by ctest under its label.
function(nestor_test)
  cmake_parse_arguments(ARG "" "NAME;LABEL;TIMEOUT" "SOURCES;DEPS" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  add_executable(${ARG_NAME} ${ARG_SOURCES})
  target_link_libraries(${ARG_NAME} PRIVATE nestor_options GTest::gmock GTest::gtest_main)
  foreach(dep ${ARG_DEPS})
    if(TARGET nestor_${dep})
      target_link_libraries(${ARG_NAME} PRIVATE nestor_${dep})
    else()
      target_link_libraries(${ARG_NAME} PRIVATE ${dep})
    endif()
  endforeach()
  add_test(NAME ${ARG_NAME} COMMAND ${ARG_NAME})
  set_tests_properties(${ARG_NAME} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT})
endfunction()
