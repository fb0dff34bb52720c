# Texts for C: constants in a header <NAME.h>; link TARGET, an INTERFACE library, to include it. Run as a script, this
# file writes that header.
#
# lb_embed_sql(TARGET DIR statement...): statements that a service runs itself. DIR/NAME.sql becomes TARGET_NAME in
# <TARGET.h>, without the comments that have a line of their own, which are for people.
# lb_embed_text(TARGET NAME file...): the files, one after the other, as NAME in <NAME.h>.

# ARGN: what the script is told.
function(embed target name files)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${target}.include)
  add_custom_command(
    OUTPUT ${folder}/${name}.h
    COMMAND ${CMAKE_COMMAND} ${ARGN} -DHEADER=${folder}/${name}.h -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    COMMENT "text of ${name}"
    VERBATIM)
  add_custom_target(${target}_header DEPENDS ${folder}/${name}.h)
  add_library(${target} INTERFACE)
  target_include_directories(${target} INTERFACE ${folder})
  add_dependencies(${target} ${target}_header)
endfunction()

function(lb_embed_sql target dir)
  list(TRANSFORM ARGN PREPEND ${dir}/ OUTPUT_VARIABLE files)
  list(TRANSFORM files APPEND .sql)
  list(JOIN ARGN "," names)
  embed(${target} ${target} "${files}" -DPREFIX=${target}_ -DDIR=${dir} -DSTATEMENTS=${names})
endfunction()

function(lb_embed_text target name)
  list(JOIN ARGN "," files)
  embed(${target} ${name} "${ARGN}" -DNAME=${name} -DFILES=${files})
endfunction()

if(NOT CMAKE_SCRIPT_MODE_FILE)
  return()
endif()

function(append_constant name text)
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
  file(APPEND "${HEADER}.new" "__attribute__((unused)) static const char ${name}[] =\n    \"${text}\";\n")
endfunction()

file(WRITE "${HEADER}.new" "/* Made from files: see cmake/embed.cmake. */\n")
string(REPLACE "," ";" STATEMENTS "${STATEMENTS}")
foreach(statement IN LISTS STATEMENTS)
  file(READ "${DIR}/${statement}.sql" text)
  string(REGEX REPLACE "(^|\n)[ \t]*--[^\n]*" "\\1" text "${text}")
  string(REGEX REPLACE "\n+" "\n" text "${text}")
  string(REGEX REPLACE "^\n|\n$" "" text "${text}")
  append_constant(${PREFIX}${statement} "${text}")
endforeach()
if(NAME)
  string(REPLACE "," ";" FILES "${FILES}")
  set(whole "")
  foreach(file IN LISTS FILES)
    file(READ "${file}" text)
    string(APPEND whole "${text}")
  endforeach()
  append_constant(${NAME} "${whole}")
endif()
file(RENAME "${HEADER}.new" "${HEADER}")
