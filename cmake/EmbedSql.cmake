# Writes a C header with one statement: cmake -DSOURCE=x.sql -DHEADER=sql/x.h -P EmbedSql.cmake
get_filename_component(name ${SOURCE} NAME_WE)
file(READ ${SOURCE} text)
string(REGEX REPLACE "(^|\n)--[^\n]*" "" text "${text}")
string(STRIP "${text}" text)
string(REPLACE "\\" "\\\\" text "${text}")
string(REPLACE "\"" "\\\"" text "${text}")
string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
string(TOUPPER ${name} upper)
file(WRITE ${HEADER}
     "#ifndef LBOPS_SQL_${upper}_H\n#define LBOPS_SQL_${upper}_H\nstatic const char sql_${name}[] =\n    \"${text}\";\n#endif\n")
