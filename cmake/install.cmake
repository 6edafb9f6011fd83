# The target of those who use the libraries, and what `cmake --install` puts where:
#   bin/systole, lib/*.a, include/systole/..., lib/cmake/systole (find_package(systole)),
#   share/systole: machines, models, docs and data under their names of the source tree.
set(libraries base isa sim_probe sim traces)
if(NOT SYSTOLE_SIMULATOR_ONLY)
  list(APPEND libraries compiler)
endif()
list(TRANSFORM libraries PREPEND systole_ OUTPUT_VARIABLE targets)

add_library(systole_all INTERFACE)
add_library(systole::systole ALIAS systole_all)
set_target_properties(systole_all PROPERTIES EXPORT_NAME systole)
target_compile_features(systole_all INTERFACE cxx_std_20)
target_include_directories(
  systole_all INTERFACE "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>"
                        "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/systole>")
target_link_libraries(systole_all INTERFACE ${targets})
if(NOT PROJECT_IS_TOP_LEVEL)
  return()
endif()

install(TARGETS systole_all systole_options ${targets} EXPORT systole
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
set(config_folder "${CMAKE_INSTALL_LIBDIR}/cmake/systole")
install(EXPORT systole NAMESPACE systole:: FILE systole-targets.cmake DESTINATION "${config_folder}")
include(CMakePackageConfigHelpers)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/systole-config-version.cmake"
                                 COMPATIBILITY SameMinorVersion)
configure_file("${CMAKE_CURRENT_LIST_DIR}/systole-config.cmake.in"
               "${PROJECT_BINARY_DIR}/systole-config.cmake" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/systole-config.cmake"
              "${PROJECT_BINARY_DIR}/systole-config-version.cmake"
              "${CMAKE_CURRENT_LIST_DIR}/dependencies.cmake" DESTINATION "${config_folder}")

foreach(folder base isa sim traces compiler)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}"
          DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/systole"
          FILES_MATCHING PATTERN "*.h" PATTERN "*.def")
endforeach()
install(DIRECTORY machines models docs DESTINATION "${CMAKE_INSTALL_DATADIR}/systole")
if(TARGET systole)
  install(TARGETS systole RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  install(DIRECTORY compare/model/data DESTINATION "${CMAKE_INSTALL_DATADIR}/systole/compare/model")
  install(FILES compare/targets/onnxruntime.js
          DESTINATION "${CMAKE_INSTALL_DATADIR}/systole/compare/targets")
  install(DIRECTORY tests/conformance/ort
          DESTINATION "${CMAKE_INSTALL_DATADIR}/systole/tests/conformance")
endif()
if(TARGET systole_gpu)
  install(TARGETS systole_gpu LIBRARY DESTINATION lib/systole OPTIONAL)  # where it was built
endif()
