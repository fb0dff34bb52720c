/* list.c: a statement as one line of JSON, for tests and documents. */
#include "json.h"
#include "sqlc.h"

static void put_type(buf *out, const type_info *info, bool list)
{
    char name[32];
    (void)snprintf(name, sizeof name, "%s%s", info->name, list ? "[]" : ""); /* the longest is identifier[] */
    json_member_string(out, "type", name);
}

static void put_params(const sql_statement *s, buf *out)
{
    json_key(out, "params");
    buf_putc(out, '[');
    for (size_t i = 0; i < s->param_count; i++) {
        const sql_param *p = &s->params[i];
        char pgtype[64];
        (void)snprintf(pgtype, sizeof pgtype, "%s%s", p->pgtype ? p->pgtype : "",
                       p->list ? "[]" : ""); /* built-in names fit */
        json_comma(out);
        buf_putc(out, '{');
        json_member_string(out, "name", p->name);
        put_type(out, p->info, p->list);
        json_member_string(out, "pgtype", p->pgtype ? pgtype : NULL);
        json_member_bool(out, "nullable", p->nullable);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

static void put_columns(const sql_statement *s, buf *out)
{
    json_key(out, "columns");
    buf_putc(out, '[');
    for (size_t i = 0; i < s->column_count; i++) {
        json_comma(out);
        buf_putc(out, '{');
        json_member_string(out, "name", s->columns[i].name);
        put_type(out, s->columns[i].info, s->columns[i].list);
        json_member_bool(out, "nullable", s->columns[i].nullable);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

static void put_range(buf *out, unsigned from, unsigned to)
{
    json_member_i64(out, "from", from);
    json_key(out, "to");
    if (to == SQLC_LAST_PG)
        buf_puts(out, "null");
    else
        buf_printf(out, "%u", to);
}

void list_statement(const sql_statement *s, buf *out)
{
    buf_putc(out, '{');
    json_member_string(out, "name", s->full_name);
    json_member_string(out, "kind", kind_name(s->kind));
    json_member_string(out, "summary", s->summary);
    put_range(out, s->from, s->to);
    put_params(s, out);
    put_columns(s, out);
    json_key(out, "variants");
    buf_putc(out, '[');
    for (size_t i = 0; i < s->variant_count; i++) {
        json_comma(out);
        buf_putc(out, '{');
        put_range(out, s->variants[i].from, s->variants[i].to);
        json_member_bool(out, "bindable", s->variants[i].bindable);
        json_member_string(out, "text", s->variants[i].sample);
        buf_putc(out, '}');
    }
    buf_puts(out, "]}\n");
}
