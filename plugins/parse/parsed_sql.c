/* By itself, so that who only walks documents does not carry the server's parser, which is most of a plugin's size. */
#include "parsed.h"

#include <pg_query.h>

parsed *parsed_sql(const char *text)
{
    PgQueryParseResult result = pg_query_parse(text);
    parsed *tree = result.error ? NULL : json_tokener_parse(result.parse_tree);
    pg_query_free_parse_result(result);
    return tree;
}
