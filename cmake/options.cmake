# Compiler settings shared by every target: language, floating point, warnings, sanitizers, ccache.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")  # lines are enough for a report and a backtrace
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG")

find_program(SYSTOLE_CCACHE ccache)
if(SYSTOLE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${SYSTOLE_CCACHE}")
endif()

# Of code that nobody waits for: reports, validation, the command line, the tests. With
# sanitizers, unoptimised: it compiles in 60 % of the time, and the tests wait for other code.
set(SYSTOLE_COLD_OPTIONS -O1)
if(SYSTOLE_SANITIZE)
  set(SYSTOLE_COLD_OPTIONS -O0)
endif()

# Every target links this; it carries no include path other than the repository root.
add_library(systole_options INTERFACE)
target_include_directories(systole_options INTERFACE "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>")

# One answer on every machine: no fused multiply-add behind our back, no fast-math, and units that
# want vector instructions ask for them function by function.
target_compile_options(systole_options INTERFACE -ffp-contract=off)

target_compile_options(
  systole_options
  INTERFACE -Wall
            -Wextra
            -Wpedantic
            -Wshadow
            -Wconversion
            -Wsign-conversion
            -Wnon-virtual-dtor
            -Wold-style-cast
            -Wcast-qual
            -Wno-restrict)  # GCC 12 reports overlap in plain std::string assignments
if(SYSTOLE_WERROR)
  target_compile_options(systole_options INTERFACE -Werror)
endif()

if(SYSTOLE_SANITIZE)
  # Left out are the checks of every pointer at every use, which are a third of the time to compile:
  # a null pointer ends in the address sanitizer's report all the same, what lies beyond an object is
  # its work, and bytes are read as another type by memcpy or from a vector's begin. Instrumented code
  # makes GCC see uninitialised reads that are not there.
  target_compile_options(
    systole_options
    INTERFACE -fsanitize=${SYSTOLE_SANITIZE}
              -fno-sanitize=null,alignment,object-size,vptr
              -fno-sanitize-recover=all
              -fno-omit-frame-pointer
              -Wno-maybe-uninitialized)
  target_link_options(systole_options INTERFACE -fsanitize=${SYSTOLE_SANITIZE})
endif()
if(SYSTOLE_COVERAGE)
  target_compile_options(systole_options INTERFACE --coverage)
  target_link_options(systole_options INTERFACE --coverage)
endif()
