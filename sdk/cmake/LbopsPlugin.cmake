# lb_add_plugin(FAMILY NAME SOURCES file.c... [SQL dir/statement...] [SQL_DIR dir] [LIBS lib...] [OUTPUT dir])
#
# One recipe for plugins inside and outside the tree. It makes
#   NAME          the shared object NAME.so: hidden symbols, everything resolved at link time
#   NAME_static   the same code as a static library whose descriptor is lb_plugin_v1_NAME, for tests
#   LB_PLUGIN_NAME an option that leaves the plugin out of a build; LBOPS_PLUGINS, a list, leaves out all others
# SQL names catalogue statements; each becomes a header <sql/DIR/STATEMENT.h> that the plugin includes.

# lb_add_sql(TARGET SQL_DIR statement...): headers for statements, made by lbops-sqlc, and an INTERFACE library to link.
function(lb_add_sql target sql_dir)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${target}.include)
  set(headers)
  foreach(statement ${ARGN})
    set(header ${out}/sql/${statement}.h)
    add_custom_command(
      OUTPUT ${header}
      COMMAND lbops::sqlc --root ${sql_dir} --name ${statement} --output ${header}
      DEPENDS ${sql_dir}/${statement}.sql lbops::sqlc
      COMMENT "sql ${statement}"
      VERBATIM)
    list(APPEND headers ${header})
  endforeach()
  add_custom_target(${target}_headers DEPENDS ${headers})
  add_library(${target} INTERFACE)
  target_include_directories(${target} INTERFACE ${out})
  add_dependencies(${target} ${target}_headers)
endfunction()

function(lb_add_plugin family name)
  cmake_parse_arguments(ARG "" "SQL_DIR;OUTPUT" "SOURCES;SQL;LIBS" ${ARGN})
  set(wanted ON)
  if(LBOPS_PLUGINS AND NOT name IN_LIST LBOPS_PLUGINS)
    set(wanted OFF)
  endif()
  option(LB_PLUGIN_${name} "build the plugin ${name}" ${wanted})
  if(NOT LB_PLUGIN_${name})
    return()
  endif()
  if(NOT ARG_SQL_DIR)
    set(ARG_SQL_DIR ${CMAKE_SOURCE_DIR}/sql)
  endif()
  if(NOT ARG_OUTPUT)
    set(ARG_OUTPUT ${CMAKE_BINARY_DIR}/plugins)
  endif()
  set(own_libs lbops::sdk ${ARG_LIBS})
  foreach(lib lb_flags lb_hardening lb_sanitize)
    if(TARGET ${lib})
      list(APPEND own_libs ${lib})
    endif()
  endforeach()
  if(ARG_SQL)
    lb_add_sql(${name}_sql ${ARG_SQL_DIR} ${ARG_SQL})
    list(APPEND own_libs ${name}_sql)
  endif()

  add_library(${name} MODULE ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${ARG_OUTPUT} C_VISIBILITY_PRESET hidden
                                           FOLDER plugins/${family})
  target_compile_definitions(${name} PRIVATE LB_PLUGIN_VERSION="${PROJECT_VERSION}")
  target_link_libraries(${name} PRIVATE ${own_libs})
  if(NOT LBOPS_SANITIZE)
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
  # What a plugin takes in from static libraries stays inside: it exports its descriptor alone.
  target_link_options(${name} PRIVATE -Wl,-z,relro,-z,now -Wl,--exclude-libs,ALL)
  set_property(GLOBAL APPEND PROPERTY LB_PLUGINS ${name})

  add_library(${name}_static STATIC EXCLUDE_FROM_ALL ${ARG_SOURCES})
  target_compile_definitions(${name}_static PRIVATE LB_PLUGIN_STATIC LB_PLUGIN_VERSION="${PROJECT_VERSION}")
  target_link_libraries(${name}_static PRIVATE ${own_libs})
endfunction()
