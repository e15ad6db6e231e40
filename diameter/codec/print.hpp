// Any Diameter message as indented text: for levyctl trace, framedump and failure messages.
// Core: control and tools, never the corridor. Allocates: the text. Blocks: never. Clock: none.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace levy::codec {

// One line for the header, one for each AVP, two blanks of indent for each group around it. Faulty
// bytes end the text with a line "fault <Result-Code> …" instead of being left out.
std::string print_message(std::span<const std::uint8_t> message);

}  // namespace levy::codec
