# lb_embed_sql(TARGET DIR statement...): the text of statements that a service runs itself, for C.
#
# DIR/NAME.sql becomes `static const char TARGET_NAME[]` in the header <TARGET.h>; link TARGET, an INTERFACE library, to
# include it. Run as a script, this file writes that header.
function(lb_embed_sql target dir)
  set(header ${CMAKE_CURRENT_BINARY_DIR}/${target}.include/${target}.h)
  list(TRANSFORM ARGN PREPEND ${dir}/ OUTPUT_VARIABLE files)
  list(TRANSFORM files APPEND .sql)
  list(JOIN ARGN "," names)
  add_custom_command(
    OUTPUT ${header}
    COMMAND ${CMAKE_COMMAND} -DTARGET=${target} -DDIR=${dir} -DNAMES=${names} -DHEADER=${header} -P
            ${CMAKE_SOURCE_DIR}/cmake/embed_sql.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/embed_sql.cmake
    COMMENT "sql of ${target}"
    VERBATIM)
  add_custom_target(${target}_header DEPENDS ${header})
  add_library(${target} INTERFACE)
  target_include_directories(${target} INTERFACE ${CMAKE_CURRENT_BINARY_DIR}/${target}.include)
  add_dependencies(${target} ${target}_header)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
  string(REPLACE "," ";" NAMES "${NAMES}")
  set(out "/* The statements of ${TARGET}, from their .sql files. */\n")
  foreach(name IN LISTS NAMES)
    file(READ "${DIR}/${name}.sql" text)
    string(REGEX REPLACE "(^|\n)[ \t]*--[^\n]*" "\\1" text "${text}") # comments on lines of their own are for people
    string(REGEX REPLACE "\n+" "\n" text "${text}")
    string(REGEX REPLACE "^\n|\n$" "" text "${text}")
    string(REPLACE "\\" "\\\\" text "${text}")
    string(REPLACE "\"" "\\\"" text "${text}")
    string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
    string(APPEND out "\n__attribute__((unused)) static const char ${TARGET}_${name}[] =\n    \"${text}\";\n")
  endforeach()
  file(WRITE "${HEADER}" "${out}")
endif()
