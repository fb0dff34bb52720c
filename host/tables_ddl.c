/* The history tables as Databricks SQL, which Spark speaks as well. */
#include "tables.h"

/* Any name as an identifier: `a``b`. */
static void put_identifier(buf *into, const char *name)
{
    buf_putc(into, '`');
    for (const char *p = name; *p; p++) {
        if (*p == '`')
            buf_putc(into, '`');
        buf_putc(into, *p);
    }
    buf_putc(into, '`');
}

static void put_text(buf *into, const char *text)
{
    buf_putc(into, '\'');
    for (const char *p = text; *p; p++) {
        if (*p == '\'' || *p == '\\')
            buf_putc(into, '\\');
        buf_putc(into, *p);
    }
    buf_putc(into, '\'');
}

static const char *sql_type(lb_type type)
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

static void put_column(buf *into, const char *name, const char *type, const char *doc)
{
    buf_puts(into, "  ");
    put_identifier(into, name);
    buf_printf(into, " %s COMMENT ", type);
    put_text(into, doc);
}

void table_ddl(buf *into, const table_def *table, const char *catalog, const char *schema)
{
    buf_puts(into, "CREATE TABLE IF NOT EXISTS ");
    if (catalog) {
        put_identifier(into, catalog);
        buf_putc(into, '.');
    }
    if (schema) {
        put_identifier(into, schema);
        buf_putc(into, '.');
    }
    put_identifier(into, table->name);
    buf_puts(into, " (\n");
    for (const table_column *c = table->columns; c->name; c++) {
        put_column(into, c->name, sql_type(c->type), c->doc);
        buf_puts(into, c[1].name || table->partition_time ? ",\n" : "\n");
    }
    if (table->partition_time) {
        char doc[128];
        (void)snprintf(doc, sizeof doc, "date of %s in UTC: the partition", table->partition_time); /* a short name */
        put_column(into, TABLE_PARTITION, "DATE", doc);
        buf_putc(into, '\n');
    }
    buf_puts(into, ")\nUSING DELTA\n");
    if (table->partition_time)
        buf_puts(into, "PARTITIONED BY (`" TABLE_PARTITION "`)\n");
    buf_puts(into, "COMMENT ");
    put_text(into, table->doc);
    buf_puts(into, "\nTBLPROPERTIES ('delta.minReaderVersion' = '1', 'delta.minWriterVersion' = '2')\n");
}
