# lb_embed_text(TARGET NAME file...): the files, one after the other, as `static const char NAME[]` in the header
# <NAME.h>; link TARGET, an INTERFACE library, to include it. Run as a script, this file writes that header.
function(lb_embed_text target name)
  set(header ${CMAKE_CURRENT_BINARY_DIR}/${target}.include/${name}.h)
  list(JOIN ARGN "," files)
  add_custom_command(
    OUTPUT ${header}
    COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DFILES=${files} -DHEADER=${header} -P ${CMAKE_SOURCE_DIR}/cmake/embed_text.cmake
    DEPENDS ${ARGN} ${CMAKE_SOURCE_DIR}/cmake/embed_text.cmake
    COMMENT "text of ${name}"
    VERBATIM)
  add_custom_target(${target}_header DEPENDS ${header})
  add_library(${target} INTERFACE)
  target_include_directories(${target} INTERFACE ${CMAKE_CURRENT_BINARY_DIR}/${target}.include)
  add_dependencies(${target} ${target}_header)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
  string(REPLACE "," ";" FILES "${FILES}")
  set(out "__attribute__((unused)) static const char ${NAME}[] =")
  foreach(file IN LISTS FILES)
    file(READ "${file}" text)
    string(REPLACE "\\" "\\\\" text "${text}")
    string(REPLACE "\"" "\\\"" text "${text}")
    string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
    string(APPEND out "\n    \"${text}\"")
  endforeach()
  file(WRITE "${HEADER}" "${out};\n")
endif()
