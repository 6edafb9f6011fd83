# systole_library(NAME [DEPENDS target...] [EXCLUDE file...])
#
# Makes systole_NAME (alias systole::NAME) from every .cc file below the current folder. New files
# need no mention anywhere: the glob is checked at each build. A folder without .cc files becomes a
# header-only target.
function(systole_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPENDS;EXCLUDE")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  foreach(file IN LISTS arg_EXCLUDE)
    list(REMOVE_ITEM sources "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
  endforeach()
  systole_library_from(${name} "${sources}" ${arg_DEPENDS})
endfunction()

# The same from an explicit list of sources, which may be empty.
function(systole_library_from name sources)
  if(sources)
    add_library(systole_${name} STATIC ${sources})
    target_link_libraries(systole_${name} PRIVATE systole_options)
    target_link_libraries(systole_${name} PUBLIC ${ARGN})
  else()
    add_library(systole_${name} INTERFACE)
    target_link_libraries(systole_${name} INTERFACE ${ARGN})
  endif()
  add_library(systole::${name} ALIAS systole_${name})
  set_target_properties(systole_${name} PROPERTIES EXPORT_NAME ${name})
endfunction()

# systole_define(NAME definition...): private compile definitions, also for a folder still empty.
function(systole_define target)
  get_target_property(type ${target} TYPE)
  if(NOT type STREQUAL "INTERFACE_LIBRARY")
    target_compile_definitions(${target} PRIVATE ${ARGN})
  endif()
endfunction()
