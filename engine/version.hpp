// The version that status, metrics and --version tell.
// Core: any. Allocates: never. Blocks: never. Clock: none.
#pragma once

namespace levy {
inline constexpr const char* version_text = "0.1.0";
}
