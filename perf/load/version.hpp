// What this binary was built from; the build writes version.cpp anew when the commit changes.
// Core: none. Allocates: never. Blocks: never. Clock: none.
#pragma once

namespace levy::load {
extern const char* const build_commit;    // git describe, "-dirty" when the tree differs
extern const char* const build_compiler;
extern const char* const build_flags;
}  // namespace levy::load
