include_guard(GLOBAL)
# Third-party libraries, all from the distribution. Each is an imported target, so its headers are
# system headers to the compiler and our warnings do not apply to them.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json 3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)

# The compiled library, not the header-only form: the .pc file adds -DTOML_HEADER_ONLY=0.
pkg_check_modules(tomlplusplus REQUIRED IMPORTED_TARGET tomlplusplus)
add_library(systole_toml INTERFACE IMPORTED GLOBAL)
target_link_libraries(systole_toml INTERFACE PkgConfig::tomlplusplus)

if(SYSTOLE_SIMULATOR_ONLY)
  return()  # to CMakeLists.txt: the rest is for the compiler and the comparison
endif()
# libonnx's and oneDNN's own CMake files ask for parts (onnxifi, OpenCL) that we do not use, so the
# libraries are found by name.
function(systole_import target header library)
  string(MAKE_C_IDENTIFIER "SYSTOLE_${library}" key)
  find_path(${key}_INCLUDE "${header}" REQUIRED)
  find_library(${key}_LIBRARY "${library}" REQUIRED)
  add_library(${target} UNKNOWN IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES IMPORTED_LOCATION "${${key}_LIBRARY}"
                                             INTERFACE_INCLUDE_DIRECTORIES "${${key}_INCLUDE}")
  mark_as_advanced(${key}_INCLUDE ${key}_LIBRARY)
endfunction()

systole_import(systole_protobuf google/protobuf/message.h protobuf)
systole_import(systole_onnx_proto onnx/onnx_pb.h onnx_proto)
systole_import(systole_onnx_core onnx/checker.h onnx)
add_library(systole_onnx INTERFACE IMPORTED GLOBAL)
target_compile_definitions(systole_onnx INTERFACE ONNX_ML=1 ONNX_NAMESPACE=onnx)
target_link_libraries(systole_onnx INTERFACE systole_onnx_core systole_onnx_proto systole_protobuf
                                             Threads::Threads)

if(SYSTOLE_INSTALLED)
  return()  # to a project that uses the libraries: the rest is for the comparison and the program
endif()
find_package(CLI11 REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
systole_import(systole_dnnl dnnl.hpp dnnl)
systole_import(systole_pthreadpool pthreadpool.h pthreadpool)
systole_import(systole_xnnpack xnnpack.h XNNPACK)

# XNNPACK cannot tell its version: the package's date, where there is a package to ask.
execute_process(COMMAND dpkg-query -W -f=\${Version} libxnnpack-dev
                OUTPUT_VARIABLE xnnpack_package ERROR_QUIET)
string(REGEX MATCH "git[0-9]+" SYSTOLE_XNNPACK_VERSION "${xnnpack_package}")
string(REPLACE "git" " " SYSTOLE_XNNPACK_VERSION "${SYSTOLE_XNNPACK_VERSION}")

if(SYSTOLE_TESTS)
  find_package(GTest REQUIRED)
endif()
if(SYSTOLE_BENCH)
  find_package(benchmark REQUIRED)
endif()
