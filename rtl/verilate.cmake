# One Verilated model, one library with all of them, systole_rtl_models.
find_program(SYSTOLE_VERILATOR verilator REQUIRED)
execute_process(COMMAND "${SYSTOLE_VERILATOR}" --getenv VERILATOR_ROOT
                OUTPUT_VARIABLE verilator_root OUTPUT_STRIP_TRAILING_WHITESPACE
                COMMAND_ERROR_IS_FATAL ANY)
find_package(Threads REQUIRED)

set(package "${CMAKE_CURRENT_SOURCE_DIR}/matrix_types.sv")
file(GLOB modules CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.sv")
list(REMOVE_ITEM modules "${package}")
set(verilog "${CMAKE_CURRENT_SOURCE_DIR}/pe.vlt" "${package}" ${modules})

# Generated code is not ours to warn about.
add_library(systole_verilated STATIC "${verilator_root}/include/verilated.cpp"
                                     "${verilator_root}/include/verilated_threads.cpp")
target_include_directories(systole_verilated SYSTEM PUBLIC "${verilator_root}/include"
                                                           "${verilator_root}/include/vltstd")
target_compile_options(systole_verilated PRIVATE -w -O2)
target_link_libraries(systole_verilated PUBLIC Threads::Threads)

# systole_verilate(VARIABLE ROWS COLUMNS LOAD FAULTS): appends to VARIABLE the one source that holds
# a model's generated code and its factory.
function(systole_verilate variable rows columns load faults)
  set(loads kThrough kChain kSingle)  # the values of WEIGHT_LOAD in matrix_types.sv
  list(FIND loads "${load}" load_value)
  set(name "Vmatrix_${rows}_${columns}_${load}_${faults}")
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/${name}")
  add_custom_command(
    OUTPUT "${folder}/${name}.h"
    COMMAND "${SYSTOLE_VERILATOR}" --cc -O3 -Wall --no-timing --prefix "${name}" --Mdir "${folder}"
            --top-module matrix_unit -GROWS=${rows} -GCOLUMNS=${columns}
            -GWEIGHT_LOAD=${load_value} -GFAULTS=${faults} ${verilog}
    COMMAND "${CMAKE_COMMAND}" -DFOLDER=${folder} -P "${CMAKE_CURRENT_SOURCE_DIR}/gather.cmake"
    DEPENDS ${verilog} "${CMAKE_CURRENT_SOURCE_DIR}/gather.cmake"
    COMMENT "Verilating a ${rows} x ${columns} matrix unit (${load}, faults ${faults})"
    VERBATIM)
  set(MODEL_NAME "${name}")
  set(MODEL_ROWS "${rows}")
  set(MODEL_COLUMNS "${columns}")
  configure_file(verilated_model.cc.in "${name}.cc" @ONLY)
  set_source_files_properties("${CMAKE_CURRENT_BINARY_DIR}/${name}.cc"
                              PROPERTIES OBJECT_DEPENDS "${folder}/${name}.h")
  list(APPEND ${variable} "${CMAKE_CURRENT_BINARY_DIR}/${name}.cc")
  set(${variable} "${${variable}}" PARENT_SCOPE)
endfunction()

# systole_rtl_library(TARGET OPTIMISATION source...)
function(systole_rtl_library target optimisation)
  add_library(${target} STATIC ${ARGN})
  target_include_directories(${target} SYSTEM PRIVATE "${CMAKE_CURRENT_BINARY_DIR}")
  target_compile_options(${target} PRIVATE -w ${optimisation})
  target_link_libraries(${target} PRIVATE systole_options systole::sim systole_verilated)
endfunction()

file(STRINGS models.def rows REGEX "^SYSTOLE_RTL_MODEL")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS models.def)
foreach(row IN LISTS rows)
  string(REGEX MATCH "\\(([0-9]+), ([0-9]+), (k[A-Za-z]+), ([01])\\)" match "${row}")
  systole_verilate(model_sources ${CMAKE_MATCH_1} ${CMAKE_MATCH_2} ${CMAKE_MATCH_3}
                   ${CMAKE_MATCH_4})
endforeach()
systole_rtl_library(systole_rtl_models -O1 ${model_sources})

# What bench/rtl_bench.cc measures.
systole_verilate(bench_source 64 64 kThrough 0)
systole_rtl_library(systole_rtl_bench -O3 ${bench_source})
set_target_properties(systole_rtl_bench PROPERTIES EXCLUDE_FROM_ALL ON)
