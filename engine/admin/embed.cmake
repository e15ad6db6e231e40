# openapi.yaml -> a C++ file that has its text: cmake -DFROM=… -DTO=… -P embed.cmake
file(READ ${FROM} text)
string(FIND "${text}" ")openapi\"" end)
if(NOT end EQUAL -1)
  message(FATAL_ERROR "${FROM}: the text ends its own literal")
endif()
file(WRITE ${TO} "#include \"engine/admin/routes.hpp\"

namespace levy::admin {
std::string_view openapi_text() { return R\"openapi(${text})openapi\"; }
}  // namespace levy::admin
")
