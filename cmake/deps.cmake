# Libraries of the system; libpg_query and DuckDB from the private prefix that scripts/setup makes.
find_package(PkgConfig REQUIRED)
find_package(CURL REQUIRED)
pkg_check_modules(JSONC REQUIRED IMPORTED_TARGET json-c)
pkg_check_modules(LIBPQ REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(LIBSSL REQUIRED IMPORTED_TARGET libssl) # which libpq has its TLS from
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
find_path(LIBEV_INCLUDE ev.h REQUIRED)
find_library(LIBEV_LIBRARY ev REQUIRED)
find_path(TOMLPP_INCLUDE toml++/toml.h REQUIRED)

if(NOT LBOPS_DEPS)
  execute_process(COMMAND ${CMAKE_SOURCE_DIR}/scripts/setup --print-deps OUTPUT_VARIABLE LBOPS_DEPS
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
endif()
find_path(PG_QUERY_INCLUDE pg_query.h PATHS ${LBOPS_DEPS}/pg_query/include NO_DEFAULT_PATH)
find_library(PG_QUERY_LIBRARY NAMES libpg_query.a pg_query PATHS ${LBOPS_DEPS}/pg_query/lib NO_DEFAULT_PATH)
if(NOT PG_QUERY_INCLUDE OR NOT PG_QUERY_LIBRARY)
  message(FATAL_ERROR "libpg_query is missing in ${LBOPS_DEPS}: run scripts/setup")
endif()
add_library(pg_query INTERFACE)
target_include_directories(pg_query SYSTEM INTERFACE ${PG_QUERY_INCLUDE})
target_link_libraries(pg_query INTERFACE ${PG_QUERY_LIBRARY} m pthread)

find_path(DUCKDB_INCLUDE duckdb.h PATHS ${LBOPS_DEPS}/duckdb/include NO_DEFAULT_PATH)
find_library(DUCKDB_LIBRARY duckdb PATHS ${LBOPS_DEPS}/duckdb/lib NO_DEFAULT_PATH)
if(NOT DUCKDB_INCLUDE OR NOT DUCKDB_LIBRARY)
  message(FATAL_ERROR "DuckDB is missing in ${LBOPS_DEPS}: run scripts/setup")
endif()
# Only plugins link it, so that nobody else pays for loading 60 MB.
add_library(duckdb INTERFACE)
target_include_directories(duckdb SYSTEM INTERFACE ${DUCKDB_INCLUDE})
target_link_libraries(duckdb INTERFACE ${DUCKDB_LIBRARY} pthread)
