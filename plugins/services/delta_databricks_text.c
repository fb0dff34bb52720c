/* The text of statements: fixed ones from sql/, with names and literals quoted here and nowhere else. */
#include "delta_databricks.h"

void bricks_identifier(delta_text *sql, const char *name)
{
    delta_text_puts(sql, "`");
    for (const char *p = name; *p; p++)
        delta_text_puts(sql, *p == '`' ? "``" : (const char[]){*p, '\0'});
    delta_text_puts(sql, "`");
}

/* A backslash escapes in Spark's texts, so that both kinds of signs have to be escaped. */
void bricks_literal(delta_text *sql, const char *text)
{
    delta_text_puts(sql, "'");
    for (const char *p = text; *p; p++) {
        if (*p == '\'' || *p == '\\')
            delta_text_puts(sql, "\\");
        delta_text_put(sql, p, 1);
    }
    delta_text_puts(sql, "'");
}

char *bricks_full_name(const bricks *b, const char *table)
{
    delta_text sql = {0};
    bricks_identifier(&sql, b->catalog);
    delta_text_puts(&sql, ".");
    bricks_identifier(&sql, b->schema);
    delta_text_puts(&sql, ".");
    bricks_identifier(&sql, table);
    return sql.data;
}

char *bricks_folder(const bricks *b, const char *table)
{
    return delta_printf("/Volumes/%s/%s/%s/outbox/%s", b->catalog, b->schema, b->volume, table);
}

const char *bricks_type(lb_type type)
{
    switch (type) {
    case LB_I64:
        return "BIGINT";
    case LB_F64:
        return "DOUBLE";
    case LB_BOOL:
        return "BOOLEAN";
    case LB_TIME:
        return "TIMESTAMP";
    default:
        return "STRING";
    }
}
