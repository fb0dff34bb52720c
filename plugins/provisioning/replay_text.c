#include "replay_text.h"
#include "parsed.h"

#include <stdio.h>
#include <stdlib.h>

typedef parsed node;

typedef struct reading {
    lb_ctx *ctx;
    const char *text;
    replay_text *into;
    bool is_full;    /* of memory, or of what fits */
    bool has_target; /* an UPDATE's table, which SET names columns of */
} reading;

/* The tree goes when the statement has been read. */
static const char *keep(reading *r, const char *text)
{
    const char *copy = *text ? lb_printf(r->ctx, "%s", text) : NULL;
    r->is_full = r->is_full || (*text && !copy);
    return copy;
}

/* ---- holes ---- */

static replay_hole *hole_of(reading *r, node *param)
{
    size_t offset = (size_t)json_object_get_int64(parsed_member(param, "location")), i = 0; /* left out where it is 0 */
    replay_text *t = r->into;
    while (i < t->hole_count && t->holes[i].offset != offset)
        i++;
    if (i == t->hole_count && t->hole_count == REPLAY_HOLES) {
        r->is_full = true;
        return NULL;
    }
    if (i == t->hole_count) {
        const char *digits = r->text + offset + 1;
        t->holes[t->hole_count++] = (replay_hole){.offset = offset, .length = 1 + strspn(digits, "0123456789")};
    }
    return &t->holes[i];
}

/* What stands for a value: $1, $1::int, a list of them. */
static void fit_value(reading *r, node *value, replay_fit fit, const replay_hole *like)
{
    node *param = parsed_member(value, "ParamRef"), *cast = parsed_member(value, "TypeCast"),
         *list = parsed_member(value, "List"), *array = parsed_member(value, "A_ArrayExpr");
    replay_hole *hole = param ? hole_of(r, param) : NULL;
    if (hole && hole->fit == REPLAY_UNKNOWN) {
        hole->fit = fit;
        hole->qualifier = like ? like->qualifier : NULL;
        hole->column = like ? like->column : NULL;
    }
    if (cast)
        fit_value(r, parsed_member(cast, "arg"), fit, like);
    node *items = list ? parsed_member(list, "items") : array ? parsed_member(array, "elements") : NULL;
    replay_fit inner = array ? REPLAY_ELEMENT : REPLAY_COLUMN;
    for (size_t i = 0; i < parsed_length(items); i++)
        fit_value(r, parsed_item(items, i), inner, like);
}

static bool column_of(reading *r, node *expression, replay_hole *ret_like)
{
    node *cast = parsed_member(expression, "TypeCast"),
         *fields = parsed_member(parsed_member(expression, "ColumnRef"), "fields");
    size_t count = parsed_length(fields);
    if (cast)
        return column_of(r, parsed_member(cast, "arg"), ret_like);
    if (count < 1 || count > 3)
        return false;
    const char *name = parsed_text(parsed_member(parsed_item(fields, count - 1), "String"), "sval");
    if (!*name)
        return false; /* a star */
    *ret_like = (replay_hole){
        .qualifier =
            count > 1 ? keep(r, parsed_text(parsed_member(parsed_item(fields, count - 2), "String"), "sval")) : NULL,
        .column = keep(r, name)};
    return true;
}

static void read_comparison(reading *r, node *expression)
{
    node *left = parsed_member(expression, "lexpr"), *right = parsed_member(expression, "rexpr");
    replay_hole like;
    replay_fit fit = strcmp(parsed_text(expression, "kind"), "AEXPR_OP_ANY") == 0 ||
                             strcmp(parsed_text(expression, "kind"), "AEXPR_OP_ALL") == 0
                         ? REPLAY_ARRAY
                         : REPLAY_COLUMN;
    if (column_of(r, left, &like))
        fit_value(r, right, fit, &like);
    if (column_of(r, right, &like))
        fit_value(r, left, fit == REPLAY_ARRAY ? REPLAY_ELEMENT : REPLAY_COLUMN, &like);
}

/* SET column = $1 */
static void read_assignment(reading *r, node *target)
{
    const replay_hole like = {.column = keep(r, parsed_text(target, "name"))};
    if (r->has_target && like.column)
        fit_value(r, parsed_member(target, "val"), REPLAY_COLUMN, &like);
}

/* ---- the rest of the tree ---- */

static void add_table(reading *r, node *range)
{
    const char *alias = parsed_text(parsed_member(range, "alias"), "aliasname");
    replay_text *t = r->into;
    if (t->table_count == REPLAY_TABLES) {
        r->is_full = true;
        return;
    }
    replay_table *table = &t->tables[t->table_count++];
    table->schema = keep(r, parsed_text(range, "schemaname"));
    table->name = keep(r, parsed_text(range, "relname"));
    table->alias = *alias ? keep(r, alias) : table->name;
}

static void read_node(reading *r, const char *type, node *at)
{
    bool is_bare_table = strcmp(type, "relation") == 0 && parsed_member(at, "relname"); /* of UPDATE and DELETE */
    if (strcmp(type, "RangeVar") == 0 || is_bare_table)
        add_table(r, at);
    else if (strcmp(type, "A_Expr") == 0)
        read_comparison(r, at);
    else if (strcmp(type, "limitCount") == 0 || strcmp(type, "limitOffset") == 0)
        fit_value(r, at, REPLAY_COUNT, NULL);
    else if (strcmp(type, "ResTarget") == 0)
        read_assignment(r, at);
    else if (strcmp(type, "ParamRef") == 0)
        (void)hole_of(r, at); /* what it may be is for others to say */
    else if (strcmp(type, "InsertStmt") == 0)
        r->into->inserts = true;
    if (strcmp(type, "InsertStmt") == 0 || strcmp(type, "UpdateStmt") == 0 || strcmp(type, "DeleteStmt") == 0 ||
        strcmp(type, "MergeStmt") == 0 || strcmp(type, "lockingClause") == 0 || strcmp(type, "intoClause") == 0)
        r->into->only_reads = false;
}

static void walk(reading *r, node *at)
{
    if (json_object_is_type(at, json_type_array)) {
        for (size_t i = 0; i < parsed_length(at); i++)
            walk(r, parsed_item(at, i));
    } else if (json_object_is_type(at, json_type_object)) {
        json_object_object_foreach(at, key, value)
        {
            bool had = r->has_target;
            r->has_target = had || strcmp(key, "UpdateStmt") == 0;
            read_node(r, key, value);
            walk(r, value);
            r->has_target = had;
        }
    }
}

static int by_offset(const void *a, const void *b)
{
    const replay_hole *x = a, *y = b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static bool is_about_rows(node *statement)
{
    static const char *const kinds[] = {"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (parsed_member(statement, kinds[i]))
            return true;
    return false;
}

int replay_read(lb_ctx *ctx, const char *text, replay_text *ret_text, lb_error *err)
{
    reading r = {.ctx = ctx, .text = text, .into = ret_text};
    node *tree = parsed_sql(text), *all = parsed_member(tree, "stmts");
    bool fits = parsed_length(all) == 1 && is_about_rows(parsed_member(parsed_item(all, 0), "stmt"));
    *ret_text = (replay_text){.only_reads = true};
    if (fits)
        walk(&r, tree);
    parsed_free(tree);
    if (!fits)
        return lb_fail(err, LB_ERR_INVALID, NULL, "its text is not one statement about rows that parses");
    if (r.is_full)
        return lb_fail(err, LB_ERR_INVALID, NULL, "it has too many values or tables");
    qsort(ret_text->holes, ret_text->hole_count, sizeof *ret_text->holes, by_offset);
    return 0;
}

const replay_table *replay_table_of(const replay_text *text, const replay_hole *hole)
{
    if (!hole->qualifier)
        return text->table_count == 1 ? &text->tables[0] : NULL;
    for (size_t i = 0; i < text->table_count; i++)
        if (text->tables[i].alias && strcmp(text->tables[i].alias, hole->qualifier) == 0)
            return &text->tables[i];
    return NULL;
}

static void put_literal(FILE *out, const char *value)
{
    bool has_backslash = strchr(value, '\\') != NULL;
    (void)fputs(has_backslash ? " E'" : "'", out); /* into memory, as all of it */
    for (; *value; value++) {
        if (*value == '\'' || *value == '\\')
            (void)fputc(*value, out);
        (void)fputc(*value, out);
    }
    (void)fputc('\'', out);
}

const char *replay_fill(lb_ctx *ctx, const char *text, const replay_text *read, const char *const *values)
{
    char *filled = NULL;
    size_t length = 0, from = 0;
    FILE *out = open_memstream(&filled, &length);
    if (!out)
        return NULL;
    for (size_t i = 0; i < read->hole_count; i++) {
        const replay_hole *hole = &read->holes[i];
        (void)fwrite(text + from, 1, hole->offset - from, out);
        put_literal(out, values[i]);
        from = hole->offset + hole->length;
    }
    (void)fputs(text + from, out);
    bool is_whole = !ferror(out);
    is_whole = fclose(out) == 0 && is_whole;
    const char *kept = is_whole ? lb_printf(ctx, "%s", filled) : NULL;
    free(filled);
    return kept;
}
