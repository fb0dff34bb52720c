/* emit.c: a statement as a C header: const data, and functions with types around it. */
#include "sqlc.h"

static const char *constant(sqlc *c, const type_info *info, bool list)
{
    return list ? sqlc_printf(c, "LB_LIST_OF(%s)", info->constant) : info->constant;
}

/* ---- data ---------------------------------------------------------------------------------------------------------
 */

static void put_escaped(buf *out, const char *p)
{
    unsigned char byte = (unsigned char)*p;
    if (*p == '"' || *p == '\\')
        buf_printf(out, "\\%c", *p);
    else if (*p == '?')
        buf_puts(out, "\\?"); /* two of them would begin a trigraph */
    else if (*p == '\t')
        buf_puts(out, "\\t");
    else if (byte < 0x20 || byte > 0x7e)
        buf_printf(out, "\\%03o", byte);
    else
        buf_putc(out, *p);
}

/* A string literal, one line of C for each line of text. */
static void put_string(buf *out, const char *text)
{
    buf_puts(out, "\"");
    for (const char *p = text; *p; p++) {
        if (*p == '\n')
            buf_puts(out, p[1] ? "\\n\"\n     \"" : "\\n");
        else
            put_escaped(out, p);
    }
    buf_puts(out, "\"");
}

static void put_params(sqlc *c, const sql_statement *s, buf *out)
{
    if (!s->param_count)
        return;
    buf_printf(out, "static const lb_statement_param %s__params[] = {\n", s->c_name);
    for (size_t i = 0; i < s->param_count; i++) {
        const sql_param *p = &s->params[i];
        const char *pgtype = p->pgtype ? sqlc_printf(c, "\"%s%s\"", p->pgtype, p->list ? "[]" : "") : "NULL";
        buf_printf(out, "    {\"%s\", %s, %s, %s},\n", p->name, constant(c, p->info, p->list), pgtype,
                   p->nullable ? "true" : "false");
    }
    buf_puts(out, "};\n");
}

static void put_columns(sqlc *c, const sql_statement *s, buf *out)
{
    if (!s->column_count)
        return;
    buf_printf(out, "static const lb_column %s__columns[] = {\n", s->c_name);
    for (size_t i = 0; i < s->column_count; i++)
        buf_printf(out, "    {\"%s\", %s, %s},\n", s->columns[i].name,
                   constant(c, s->columns[i].info, s->columns[i].list), s->columns[i].nullable ? "true" : "false");
    buf_puts(out, "};\n");
}

static void put_parts(const sql_statement *s, const sql_variant *v, buf *out)
{
    buf_printf(out, "static const lb_statement_part %s__parts_%u[] = {\n", s->c_name, v->from);
    for (size_t i = 0; i < v->piece_count; i++) {
        BUF_AUTO text = BUF_INIT(SQLC_TEXT_MAX);
        text_plain(&text, &s->file, &v->pieces[i], i == 0, i + 1 == v->piece_count);
        buf_puts(out, "    {");
        put_string(out, buf_text(&text));
        buf_printf(out, ", %d},\n", v->pieces[i].param);
    }
    buf_puts(out, "};\n");
}

/* A fragment that names no server serves all. */
static unsigned first_server(unsigned from)
{
    return from == SQLC_FIRST_PG ? 0 : from;
}

static unsigned last_server(unsigned to)
{
    return to == SQLC_LAST_PG ? 0 : to;
}

static void put_statement(const sql_statement *s, buf *out)
{
    static const char *const kinds[] = {
        [LB_STATEMENT_READ] = "LB_STATEMENT_READ",         [LB_STATEMENT_CHANGE] = "LB_STATEMENT_CHANGE",
        [LB_STATEMENT_FRAGMENT] = "LB_STATEMENT_FRAGMENT", [LB_STATEMENT_HISTORY] = "LB_STATEMENT_HISTORY",
        [LB_STATEMENT_LAKE] = "LB_STATEMENT_LAKE",         [LB_STATEMENT_REST] = "LB_STATEMENT_REST",
    };
    const char *n = s->c_name;
    buf_printf(out, "static const lb_statement_variant %s__variants[] = {\n", n);
    for (size_t i = 0; i < s->variant_count; i++) {
        const sql_variant *v = &s->variants[i];
        buf_printf(out, "    {%u, %u, %s, %s__parts_%u},\n", first_server(v->from), last_server(v->to),
                   v->bindable ? "true" : "false", n, v->from);
    }
    buf_printf(out, "};\nLB_SQL_UNUSED static const lb_statement %s_sql = {\n", n);
    buf_printf(out, "    .size = sizeof(lb_statement),\n    .kind = %s,\n    .name = \"%s\",\n", kinds[s->kind],
               s->full_name);
    if (s->param_count)
        buf_printf(out, "    .params = %s__params,\n    .param_count = %zu,\n", n, s->param_count);
    if (s->column_count)
        buf_printf(out, "    .columns = %s__columns,\n    .column_count = %zu,\n", n, s->column_count);
    buf_printf(out, "    .variants = %s__variants,\n    .variant_count = %zu,\n};\n\n", n, s->variant_count);
}

/* ---- arguments ----------------------------------------------------------------------------------------------------
 */

/* NULL says null for what is a pointer; everything else needs a flag. */
static bool has_flag(const type_info *info, bool list, bool nullable)
{
    return nullable && (list || !type_is_textual(info));
}

static void put_args_struct(const sql_statement *s, buf *out)
{
    if (!s->param_count)
        return;
    buf_printf(out, "typedef struct %s_args {\n", s->c_name);
    for (size_t i = 0; i < s->param_count; i++) {
        const sql_param *p = &s->params[i];
        if (!p->list)
            buf_printf(out, "    %s%s;", p->info->c_type, p->name);
        else if (p->info->c_list)
            buf_printf(out, "    %s %s;", p->info->c_list, p->name);
        else
            buf_printf(out, "    struct {\n        %sconst *items;\n        size_t count;\n    } %s;", p->info->c_type,
                       p->name);
        buf_puts(out, p->nullable && !has_flag(p->info, p->list, true) ? " /* may be NULL */\n" : "\n");
        if (has_flag(p->info, p->list, p->nullable))
            buf_printf(out, "    bool %s_is_null;\n", p->name);
    }
    buf_printf(out, "} %s_args;\n\n", s->c_name);
}

static void put_list_value(const sql_statement *s, const sql_param *p, size_t index, buf *out)
{
    const char *n = p->name;
    buf_puts(out, "    {\n");
    buf_printf(out, "        lb_value *items = NULL;\n        if (args->%s.count > INT32_MAX)\n", n);
    buf_printf(out, "            return lb_fail(err, LB_ERR_LIMIT, NULL, \"%s: the list %s is too long\");\n",
               s->full_name, n);
    buf_printf(out, "        items = (lb_value *)lb_alloc(ctx, (args->%s.count + 1) * sizeof *items);\n", n);
    buf_puts(out, "        if (!items)\n            return lb_out_of_memory(err);\n");
    buf_printf(out, "        for (size_t i = 0; i < args->%s.count; i++)\n", n);
    buf_printf(out, "            items[i] = %s(NULL, args->%s.items[i]);\n", p->info->maker, n);
    buf_printf(out, "        values[%zu] = lb_list(\"%s\", %s, items, args->%s.count);\n", index, n, p->info->constant,
               n);
    if (p->nullable)
        buf_printf(out, "        if (args->%s_is_null)\n            values[%zu] = lb_null(\"%s\");\n", n, index, n);
    buf_puts(out, "    }\n");
}

static void put_values(const sql_statement *s, buf *out)
{
    bool lists = false;
    if (!s->param_count)
        return;
    buf_puts(out, "LB_SQL_UNUSED LB_MUST_CHECK\n");
    buf_printf(out,
               "static inline int %s__values(lb_ctx *ctx, const %s_args *args, lb_value *values, lb_error *err)\n{\n",
               s->c_name, s->c_name);
    for (size_t i = 0; i < s->param_count; i++)
        lists = lists || s->params[i].list;
    if (!lists)
        buf_puts(out, "    (void)ctx;\n    (void)err;\n");
    for (size_t i = 0; i < s->param_count; i++) {
        const sql_param *p = &s->params[i];
        if (p->list)
            put_list_value(s, p, i, out);
        else if (has_flag(p->info, false, p->nullable))
            buf_printf(out, "    values[%zu] = args->%s_is_null ? lb_null(\"%s\") : %s(\"%s\", args->%s);\n", i,
                       p->name, p->name, p->info->maker, p->name, p->name);
        else
            buf_printf(out, "    values[%zu] = %s(\"%s\", args->%s);\n", i, p->info->maker, p->name, p->name);
    }
    buf_printf(out, "    values[%zu] = lb_null(NULL);\n    values[%zu].type = LB_END;\n    return 0;\n}\n\n",
               s->param_count, s->param_count);
}

/* ---- functions ----------------------------------------------------------------------------------------------------
 */

/* One function that makes the arguments' values and hands them on: `call` with %s where they stand. */
static void put_function(const sql_statement *s, const char *suffix, const char *before, const char *after,
                         const char *call_head, const char *call_tail, buf *out)
{
    const char *n = s->c_name;
    buf_puts(out, "LB_SQL_UNUSED LB_MUST_CHECK\n");
    if (!s->param_count) {
        buf_printf(out, "static inline int %s%s(lb_ctx *ctx%s%s, lb_error *err)\n{\n", n, suffix, before, after);
        buf_printf(out, "    return %s&%s_sql, LB_NO_ARGS%s;\n}\n\n", call_head, n, call_tail);
        return;
    }
    buf_printf(out, "static inline int %s%s(lb_ctx *ctx%s, const %s_args *args%s, lb_error *err)\n{\n", n, suffix,
               before, n, after);
    buf_printf(out, "    lb_value values[%zu];\n    int r = %s__values(ctx, args, values, err);\n", s->param_count + 1,
               n);
    buf_printf(out, "    return r < 0 ? r : %s&%s_sql, values%s;\n}\n\n", call_head, n, call_tail);
}

static void put_functions(const sql_statement *s, buf *out)
{
    if (s->kind == LB_STATEMENT_READ)
        put_function(s, "", "", ", lb_rows **ret_rows", "lb_query(ctx, ", ", ret_rows, err)", out);
    else if (s->kind == LB_STATEMENT_CHANGE || s->kind == LB_STATEMENT_REST)
        put_function(s, "", ", lb_group *group", "", "lb_change_sql(ctx, group, ", ", err)", out);
    else if (s->kind == LB_STATEMENT_HISTORY)
        put_function(s, "", "", ", lb_rows **ret_rows", "lb_history(ctx, ", ", ret_rows, err)", out);
    else if (s->kind == LB_STATEMENT_LAKE)
        put_function(s, "", "", ", lb_rows **ret_rows", "lb_lake(ctx, ", ", ret_rows, err)", out);
    if (!kind_asks(s->kind)) /* its text is for no server */
        put_function(s, "_compose", "", ", const lb_sql **ret_sql", "lb_compose(ctx, ", ", ret_sql, err)", out);
}

/* ---- rows ---------------------------------------------------------------------------------------------------------
 */

static void put_row_struct(const sql_statement *s, buf *out)
{
    buf_printf(out, "typedef struct %s_row {\n", s->c_name);
    for (size_t i = 0; i < s->column_count; i++) {
        const sql_column *column = &s->columns[i];
        bool flag = has_flag(column->info, column->list, column->nullable);
        if (column->list)
            buf_printf(out,
                       "    struct {\n        const lb_value *items; /* LB_NULL where an item is null */\n"
                       "        size_t count;\n    } %s;\n",
                       column->name);
        else
            buf_printf(out, "    %s%s;%s\n", column->info->c_type, column->name,
                       column->nullable && !flag ? " /* NULL for null */" : "");
        if (flag)
            buf_printf(out, "    bool %s_is_null;\n", column->name);
    }
    buf_printf(out, "} %s_row;\n\n", s->c_name);
}

static void put_cell(const sql_column *column, size_t i, buf *out)
{
    const char *n = column->name, *member = column->info->member;
    if (has_flag(column->info, column->list, column->nullable))
        buf_printf(out, "    ret_row->%s_is_null = cells[%zu].type == LB_NULL;\n", n, i);
    if (column->list) {
        buf_printf(out, "    ret_row->%s.items = cells[%zu].type == LB_NULL ? NULL : cells[%zu].v.items;\n", n, i, i);
        buf_printf(out, "    ret_row->%s.count = cells[%zu].type == LB_NULL ? 0 : cells[%zu].count;\n", n, i, i);
    } else if (!column->nullable) {
        buf_printf(out, "    ret_row->%s = cells[%zu].v.%s;\n", n, i, member);
    } else {
        const char *none = type_is_textual(column->info) ? "NULL" : column->info->type == LB_BOOL ? "false" : "0";
        buf_printf(out, "    ret_row->%s = cells[%zu].type == LB_NULL ? %s : cells[%zu].v.%s;\n", n, i, none, i,
                   member);
    }
}

static void put_next(const sql_statement *s, buf *out)
{
    buf_puts(out, "/* The next row; false at the end. What it points to lives until the run ends. */\nLB_SQL_UNUSED\n");
    buf_printf(out, "static inline bool %s_next(lb_ctx *ctx, lb_rows *rows, %s_row *ret_row)\n{\n", s->c_name,
               s->c_name);
    buf_puts(out, "    const lb_value *cells = lb_next(ctx, rows);\n    if (!cells)\n        return false;\n");
    for (size_t i = 0; i < s->column_count; i++)
        put_cell(&s->columns[i], i, out);
    buf_puts(out, "    return true;\n}\n\n");
}

/* ---- the header ---------------------------------------------------------------------------------------------------
 */

static char *guard_name(sqlc *c, const sql_statement *s)
{
    char *guard = sqlc_printf(c, "LBOPS_SQL_%s_H", s->c_name);
    for (char *p = guard; *p; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
    return guard;
}

static void put_summary(buf *out, const char *summary)
{
    for (const char *p = summary; *p; p++) {
        buf_putc(out, *p);
        if ((*p == '*' && p[1] == '/') || (*p == '/' && p[1] == '*'))
            buf_putc(out, ' '); /* must not end or open a comment */
    }
}

static void put_head(sqlc *c, const sql_statement *s, buf *out)
{
    const char *guard = guard_name(c, s);
    buf_printf(out, "/* sql/%s.h: ", s->full_name);
    put_summary(out, s->summary);
    const char *servers = kind_asks(s->kind) ? "" : sqlc_printf(c, ", servers %s", server_text(c, s->from, s->to));
    buf_printf(out, " (%s%s).\n * Made by lbops-sqlc from %s.sql; edit that file. */\n", kind_name(s->kind), servers,
               s->full_name);
    buf_printf(out, "#ifndef %s\n#define %s\n\n#include <lbops/lbops.h>\n\n", guard, guard);
    buf_puts(out, "#ifndef LB_SQL_UNUSED\n#if defined(__GNUC__)\n#define LB_SQL_UNUSED __attribute__((unused))\n#else\n"
                  "#define LB_SQL_UNUSED\n#endif\n#endif\n\n");
}

void emit_header(sqlc *c, const sql_statement *s, buf *out)
{
    put_head(c, s, out);
    put_params(c, s, out);
    put_columns(c, s, out);
    for (size_t i = 0; i < s->variant_count; i++)
        put_parts(s, &s->variants[i], out);
    put_statement(s, out);
    put_args_struct(s, out);
    put_values(s, out);
    if (kind_has_rows(s->kind))
        put_row_struct(s, out);
    put_functions(s, out);
    if (kind_has_rows(s->kind))
        put_next(s, out);
    buf_puts(out, "#endif\n");
}
