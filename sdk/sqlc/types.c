#include "nearest.h"
#include "sqlc.h"

#define OTHERS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const type_info types[] = {
    {"text", LB_TEXT, "LB_TEXT", "text",
     OTHERS("name", "varchar", "bpchar", "regclass", "regproc", "regprocedure", "regtype", "regrole", "regnamespace",
            "uuid", "inet", "cidr", "interval", "pg_lsn", "xid", "xid8", "bytea", "xml"),
     "'x'", "const char *", "lb_texts", "lb_text", "text"},
    {"integer", LB_I64, "LB_I64", "int8", OTHERS("int2", "int4", "int8", "oid", "numeric"), "1", "int64_t ", "lb_i64s",
     "lb_i64", "i64"},
    {"number", LB_F64, "LB_F64", "float8", OTHERS("float4", "float8", "numeric"), "1.5", "double ", "lb_f64s", "lb_f64",
     "f64"},
    {"boolean", LB_BOOL, "LB_BOOL", "bool", OTHERS("bool"), "true", "bool ", "lb_bools", "lb_bool", "flag"},
    {"timestamp", LB_TIME, "LB_TIME", "timestamptz", OTHERS("timestamptz", "timestamp", "date"),
     "'2000-01-01T00:00:00Z'", "int64_t ", "lb_i64s", "lb_time", "i64"},
    {"json", LB_JSON, "LB_JSON", "jsonb", OTHERS("json", "jsonb"), "'{}'", "const char *", "lb_texts", "lb_json",
     "text"},
    {"numeric", LB_NUMERIC, "LB_NUMERIC", "numeric", OTHERS("numeric"), "1.5", "const char *", "lb_texts", "lb_numeric",
     "text"},
    {"identifier", LB_IDENT, "LB_IDENT", NULL, OTHERS(NULL), NULL, "const char *", "lb_texts", "lb_ident", "text"},
    {"sqltype", LB_SQLTYPE, "LB_SQLTYPE", NULL, OTHERS(NULL), "int4", "const char *", "lb_texts", "lb_sqltype", "text"},
    {"definition", LB_DEFINITION, "LB_DEFINITION", NULL, OTHERS(NULL), "x", "const char *", "lb_texts", "lb_definition",
     "text"},
    {"sql", LB_SQL, "LB_SQL", NULL, OTHERS(NULL), NULL, "const lb_sql *", NULL, "lb_sql_value", "sql"},
};

const type_info *type_find(const char *name)
{
    for (size_t i = 0; i < LB_COUNT(types); i++)
        if (strcmp(types[i].name, name) == 0)
            return &types[i];
    return NULL;
}

const char *type_nearest(const char *name)
{
    /* What the server calls them, or another language does. */
    static const struct {
        const char *theirs, *ours;
    } known[] = {{"bigint", "integer"},   {"int", "integer"},  {"int4", "integer"},          {"int8", "integer"},
                 {"smallint", "integer"}, {"oid", "integer"},  {"double", "number"},         {"float8", "number"},
                 {"real", "number"},      {"float", "number"}, {"bool", "boolean"},          {"string", "text"},
                 {"varchar", "text"},     {"name", "text"},    {"timestamptz", "timestamp"}, {"time", "timestamp"},
                 {"date", "timestamp"},   {"jsonb", "json"},   {"decimal", "numeric"},       {"ident", "identifier"},
                 {"fragment", "sql"}};
    for (size_t i = 0; i < LB_COUNT(known); i++)
        if (strcmp(known[i].theirs, name) == 0)
            return known[i].ours;
    const char *names[LB_COUNT(types)];
    for (size_t i = 0; i < LB_COUNT(types); i++)
        names[i] = types[i].name;
    return nearest_name(name, names, LB_COUNT(names));
}

bool type_is_composed(const type_info *info)
{
    return !info->pgtype;
}

bool type_is_textual(const type_info *info)
{
    return strcmp(info->member, "text") == 0 || strcmp(info->member, "sql") == 0;
}

bool type_takes_pgtype(const type_info *info, const char *pgtype)
{
    for (size_t i = 0; info->others[i]; i++)
        if (strcmp(info->others[i], pgtype) == 0)
            return true;
    return info->pgtype && strcmp(info->pgtype, pgtype) == 0;
}

const char *type_nearest_pgtype(const type_info *info, const char *pgtype)
{
    size_t count = 0;
    while (info->others[count])
        count++;
    return nearest_name(pgtype, info->others, count);
}

bool name_is_good(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    /* The header uses __ for what it alone needs. */
    return name[0] >= 'a' && name[0] <= 'z' && !name[length] && length <= SQLC_NAME_MAX && !strstr(name, "__");
}

bool name_is_reserved(const char *name)
{
    static const char *const words[] = {
        "alignas",   "alignof",  "and",      "asm",      "auto",     "bitand",   "bitor",   "bool",      "break",
        "case",      "char",     "class",    "compl",    "const",    "continue", "default", "delete",    "do",
        "double",    "else",     "enum",     "errno",    "export",   "extern",   "false",   "float",     "for",
        "friend",    "goto",     "i386",     "if",       "inline",   "int",      "linux",   "long",      "mutable",
        "namespace", "new",      "noreturn", "not",      "operator", "or",       "private", "protected", "public",
        "register",  "restrict", "return",   "short",    "signed",   "sizeof",   "static",  "stderr",    "stdin",
        "stdout",    "struct",   "switch",   "template", "this",     "throw",    "true",    "try",       "typedef",
        "typeof",    "union",    "unix",     "unsigned", "using",    "virtual",  "void",    "volatile",  "while",
        "xor"};
    for (size_t i = 0; i < LB_COUNT(words); i++)
        if (strcmp(words[i], name) == 0)
            return true;
    return false;
}
