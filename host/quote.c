#include "quote.h"

#include "json.h"

#include <pg_query.h>

/* Every keyword of PostgreSQL 15 to 18 that is not "unreserved"; sorted. More than a version needs costs a pair of
 * quotes. */
static const char *const keywords[] = {
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "between",
    "bigint",
    "binary",
    "bit",
    "boolean",
    "both",
    "case",
    "cast",
    "char",
    "character",
    "check",
    "coalesce",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "dec",
    "decimal",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "exists",
    "extract",
    "false",
    "fetch",
    "float",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "greatest",
    "group",
    "grouping",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "inout",
    "int",
    "integer",
    "intersect",
    "interval",
    "into",
    "is",
    "isnull",
    "join",
    "json",
    "json_array",
    "json_arrayagg",
    "json_exists",
    "json_object",
    "json_objectagg",
    "json_query",
    "json_scalar",
    "json_serialize",
    "json_table",
    "json_value",
    "lateral",
    "leading",
    "least",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "merge_action",
    "national",
    "natural",
    "nchar",
    "none",
    "normalize",
    "not",
    "notnull",
    "null",
    "nullif",
    "numeric",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "out",
    "outer",
    "overlaps",
    "overlay",
    "placing",
    "position",
    "precision",
    "primary",
    "real",
    "references",
    "returning",
    "right",
    "row",
    "select",
    "session_user",
    "setof",
    "similar",
    "smallint",
    "some",
    "substring",
    "symmetric",
    "system_user",
    "table",
    "tablesample",
    "then",
    "time",
    "timestamp",
    "to",
    "trailing",
    "treat",
    "trim",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "values",
    "varchar",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
    "xmlattributes",
    "xmlconcat",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlnamespaces",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    "xmltable",
};

static int compare_word(const void *word, const void *entry)
{
    return strcmp(word, *(const char *const *)entry);
}

bool quote_is_keyword(const char *word)
{
    return bsearch(word, keywords, LB_COUNT(keywords), sizeof keywords[0], compare_word) != NULL;
}

static bool is_plain(const char *identifier)
{
    if (!(*identifier >= 'a' && *identifier <= 'z') && *identifier != '_')
        return false;
    size_t length = strspn(identifier, "abcdefghijklmnopqrstuvwxyz0123456789_$");
    return identifier[length] == '\0' && !quote_is_keyword(identifier);
}

static int put_ident(buf *b, const char *identifier, size_t most, bool always, lb_error *err)
{
    size_t length = strlen(identifier);
    if (!length)
        return lb_fail(err, LB_ERR_INVALID, "name the object", "an identifier is empty");
    if (length > most)
        return lb_fail(err, LB_ERR_INVALID, "the server would cut it and mean another object",
                       "the identifier %.40s... has %zu bytes, more than %zu", identifier, length, most);
    if (!json_is_utf8(identifier, length))
        return lb_fail(err, LB_ERR_INVALID, "convert it to UTF-8 first", "an identifier is not UTF-8");
    if (!always && is_plain(identifier)) {
        buf_put(b, identifier, length);
        return 0;
    }
    buf_putc(b, '"');
    for (const char *p = identifier; *p; p++) {
        if (*p == '"')
            buf_putc(b, '"');
        buf_putc(b, *p);
    }
    buf_putc(b, '"');
    return 0;
}

int quote_ident(buf *b, const char *identifier, lb_error *err)
{
    return put_ident(b, identifier, QUOTE_IDENT_MAX, false, err);
}

int quote_always(buf *b, const char *identifier, lb_error *err)
{
    return put_ident(b, identifier, QUOTE_LAKE_MAX, true, err);
}

void quote_literal(buf *b, const char *text)
{
    /* Only a backslash needs the escape form; without one the plain form reads better and means the same. */
    buf_puts(b, strchr(text, '\\') ? "E'" : "'");
    for (const char *p = text; *p; p++) {
        if (*p == '\'' || *p == '\\')
            buf_putc(b, *p);
        buf_putc(b, *p);
    }
    buf_putc(b, '\'');
}

static struct json_object *member(struct json_object *node, const char *name)
{
    struct json_object *value = NULL;
    if (!json_object_is_type(node, json_type_object) || !json_object_object_get_ex(node, name, &value))
        return NULL;
    return value;
}

static struct json_object *only_item(struct json_object *list)
{
    if (!json_object_is_type(list, json_type_array) || json_object_array_length(list) != 1)
        return NULL;
    return json_object_array_get_idx(list, 0);
}

/* A node with these members, or some of them, and no other: it says no more than what we asked. */
static bool has_only(struct json_object *node, const char *const *names)
{
    if (!json_object_is_type(node, json_type_object))
        return false;
    int known = 0;
    for (size_t i = 0; names[i]; i++)
        known += member(node, names[i]) != NULL;
    return known == json_object_object_length(node);
}

/* The grammar takes any expression as a modifier; the server takes constants and words. */
static bool are_plain_modifiers(struct json_object *typmods)
{
    size_t count = typmods ? json_object_array_length(typmods) : 0;
    for (size_t i = 0; i < count; i++) {
        struct json_object *item = json_object_array_get_idx(typmods, i);
        if (!member(item, "A_Const") && !member(item, "ColumnRef"))
            return false;
    }
    return true;
}

/* SELECT (NULL::TYPE), and nothing of the rest that a SELECT can have. */
static bool is_type_cast(struct json_object *tree)
{
    struct json_object *select = member(member(only_item(member(tree, "stmts")), "stmt"), "SelectStmt");
    if (!has_only(select, (const char *const[]){"targetList", "limitOption", "op", NULL}))
        return false;
    struct json_object *target = member(only_item(member(select, "targetList")), "ResTarget");
    if (!has_only(target, (const char *const[]){"val", "location", NULL}))
        return false;
    struct json_object *cast = member(member(target, "val"), "TypeCast");
    struct json_object *type = member(cast, "typeName");
    return type && member(member(member(cast, "arg"), "A_Const"), "isnull") && !member(type, "setof") &&
           are_plain_modifiers(member(type, "typmods"));
}

/* The type's text is used as it was given, so it must not carry a comment: a comment parses, and hides what follows.
 * Blanks other than ' ' go for the same reason: a line's end would close one. */
static bool has_comment(const char *type_name)
{
    return strstr(type_name, "--") || strstr(type_name, "/*") || strpbrk(type_name, "\n\r\t\v\f") != NULL;
}

int quote_check_type(const char *type_name, lb_error *err)
{
    static const char hint[] = "write a type as in a CREATE TABLE: text, numeric(10,2), integer[], public.\"My Type\"";
    size_t length = strlen(type_name);
    if (length > QUOTE_TYPE_MAX)
        return lb_fail(err, LB_ERR_INVALID, hint, "the type name %.40s... has %zu bytes, more than %d", type_name,
                       length, QUOTE_TYPE_MAX);
    if (!length || !json_is_utf8(type_name, length) || has_comment(type_name))
        return lb_fail(err, LB_ERR_INVALID, hint, "'%.100s' is not the name of a type", type_name);
    char query[QUOTE_TYPE_MAX + 32];
    (void)snprintf(query, sizeof query, "SELECT (NULL::%s)", type_name); /* the length is checked above */
    PgQueryParseResult parsed = pg_query_parse(query);
    bool good = false;
    if (!parsed.error && parsed.parse_tree) {
        JSON_AUTO *tree = json_parse(parsed.parse_tree, strlen(parsed.parse_tree), err);
        good = tree && is_type_cast(tree);
    }
    pg_query_free_parse_result(parsed);
    if (!good)
        return lb_fail(err, LB_ERR_INVALID, hint, "'%.100s' is not the name of a type", type_name);
    return 0;
}
