# Writes version.cpp from the tree's commit; touches it only when something changed.
# Run by the build as cmake -P, with SOURCE, OUT, COMPILER and FLAGS.
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=12
  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  set(commit "none")
endif()
set(text "// Written by perf/load/version.cmake.
#include \"perf/load/version.hpp\"
namespace levy::load {
const char* const build_commit = \"${commit}\";
const char* const build_compiler = \"${COMPILER}\";
const char* const build_flags = \"${FLAGS}\";
}  // namespace levy::load
")
set(old "")
if(EXISTS ${OUT})
  file(READ ${OUT} old)
endif()
if(NOT "${old}" STREQUAL "${text}")
  file(WRITE ${OUT} "${text}")
endif()
