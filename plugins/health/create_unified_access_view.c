/* create_unified_access_view: a table's rows on the server and those in the archive as one view of the lakehouse.
 *
 * The server's own ledger says which batches have left, and is read together with the rows, so that a row counts once
 * whether it has been copied, is being deleted, or has gone. Columns that one side lacks are null there, and where
 * types differ the archive's hold, which can hold what was there; of two numbers, the wider.
 *
 * By itself a view is named like its archive, which has the project, the branch and the schema in its name: many
 * databases share that place, and a view of another one's rows would be replaced without a word.
 */
#include "unified_view.h"

#include <sql/archival/archives.h>
#include <sql/archival/ledger_found.h>
#include <sql/archival/unified_view.h>
#include <string.h>
#include <strings.h>

#define NOTE                                                                                                           \
    "at home a view reads rows and ledger at one moment; a warehouse reads them one after the other, so that a "       \
    "question asked while batches are being deleted may be a moment behind for those"

struct args {
    const char *table, *archive_delta_table, *hot_catalog, *view_catalog, *view_schema, *view_name;
};

static const lb_param params[] = {
    LB_PARAM(struct args, table, LB_TEXT, NULL, "orders or public.orders; none given: all that are archived"),
    LB_PARAM(struct args, archive_delta_table, LB_TEXT, NULL,
             "CATALOG.SCHEMA.TABLE, where its rows went to several; none given: the one"),
    LB_PARAM(struct args, hot_catalog, LB_IDENT, NULL,
             "the catalog that this database is; none given: the project's name with _ for -"),
    LB_PARAM(struct args, view_catalog, LB_IDENT, NULL, "catalog of the view; none given: the archive's"),
    LB_PARAM(struct args, view_schema, LB_IDENT, NULL, "and its schema; likewise"),
    LB_PARAM(
        struct args, view_name, LB_IDENT, NULL,
        "and its name, for one table, where a view of that name is replaced; none given: vw_ARCHIVE_unified, which is "
        "no other table's"),
    LB_PARAMS_END,
};

/* ---- the view ---- */

static lb_value list_of(lb_ctx *ctx, const char *name, const archival_pieces *pieces)
{
    lb_value *items = lb_alloc(ctx, (pieces->count + 1) * sizeof *items);
    for (size_t i = 0; items && i < pieces->count; i++)
        items[i] = lb_sql_value(NULL, pieces->items[i]);
    return lb_list(name, LB_SQL, items, items ? pieces->count : 0);
}

static int make_view(unified *u, bool *ret_changed, lb_outcome *ret_outcome, lb_error *err)
{
    lb_ctx *ctx = u->ctx;
    const char *view = lb_printf(ctx, "%s.%s.%s", u->view.catalog, u->view.schema, u->view.name);
    lb_group *group = NULL;
    const lb_value *args = LB_ARGS(list_of(ctx, "hot", &u->hot_columns), lb_ident("hot_catalog", u->hot.catalog),
                                   lb_ident("hot_schema", u->hot.schema), lb_ident("hot_table", u->hot.name),
                                   list_of(ctx, "cold", &u->cold_columns), lb_ident("catalog", u->cold.catalog),
                                   lb_ident("schema", u->cold.schema), lb_ident("name", u->cold.name),
                                   lb_ident("ledger_schema", "lbops_archive"), lb_ident("ledger", "steps"));
    int r = lb_group_open(
        ctx,
        LB_GROUP(.title = lb_printf(ctx, "make the view %s", view ? view : u->view.name),
                 .reason = lb_printf(ctx, "rows of %s are found in one place, wherever they are", u->label),
                 .undo = lb_printf(ctx, "DROP VIEW %s: it holds no rows", view ? view : "")),
        &group, err);
    if (r >= 0)
        r = lb_change_lake(ctx, group, LB_LAKE_VIEW(.table = u->view, .rows = &archival_unified_view_sql, .args = args),
                           err);
    if (r >= 0)
        r = lb_apply(ctx, group, ret_outcome, err);
    const char *reply = r >= 0 && *ret_outcome == LB_APPLIED ? lb_group_reply(ctx, group) : NULL;
    *ret_changed = reply && strstr(reply, "true");
    return r;
}

static int tell(const unified *u, const char *status, uint32_t columns, lb_error *err)
{
    return lb_append(
        u->ctx, "views",
        LB_ARGS(lb_text("table", u->label),
                lb_text("view_name", lb_printf(u->ctx, "%s.%s.%s", u->view.catalog, u->view.schema, u->view.name)),
                lb_text("hot_source", lb_printf(u->ctx, "%s.%s.%s", u->hot.catalog, u->hot.schema, u->hot.name)),
                lb_text("cold_source", lb_printf(u->ctx, "%s.%s.%s", u->cold.catalog, u->cold.schema, u->cold.name)),
                lb_i64("columns", columns), lb_text("status", status)),
        err);
}

/* *ret_why: one of the two cannot be read, and why. */
static int look(unified *u, const char **ret_why, lb_error *err)
{
    int r = lb_lake_look(u->ctx, &u->hot, &u->hot_table, err);
    *ret_why = r == LB_ERR_NOT_FOUND
                   ? lb_printf(u->ctx,
                               "the lakehouse knows no %s.%s.%s: setup_unity_catalog_integration registers the "
                               "database, at home catalogs of delta_local name it",
                               u->hot.catalog, u->hot.schema, u->hot.name)
                   : NULL;
    if (r < 0)
        return *ret_why ? 0 : r;
    r = lb_lake_look(u->ctx, &u->cold, &u->cold_table, err);
    *ret_why = r == LB_ERR_NOT_FOUND ? "its archive is not in the lakehouse any more" : NULL;
    return *ret_why ? 0 : r;
}

static int unify(unified *u, lb_error *err)
{
    const lb_lake_table *made = NULL;
    lb_outcome outcome = LB_REFUSED;
    const char *why = NULL;
    bool changed = false;
    int r = look(u, &why, err);
    if (r < 0 || why)
        return r < 0 ? lb_wrap(err, u->label) : lb_skipped(u->ctx, u->label, why, err);
    r = unified_match_columns(u, err);
    if (r >= 0)
        r = make_view(u, &changed, &outcome, err);
    if (r >= 0 && outcome == LB_APPLIED)
        r = lb_lake_look(u->ctx, &u->view, &made, err); /* it can be read */
    if (r < 0)
        return lb_wrap(err, u->label);
    const char *status = outcome == LB_PLANNED   ? "planned"
                         : outcome == LB_WAITING ? "waiting"
                         : outcome != LB_APPLIED ? "refused"
                         : changed               ? "created"
                                                 : "unchanged";
    return tell(u, status, made ? made->column_count : (uint32_t)u->hot_columns.count, err);
}

/* ---- which ---- */

static bool is_wanted(const struct args *a, const archival_archives_row *row)
{
    size_t schema = strlen(row->source_schema);
    return !a->table || strcmp(a->table, row->source_table) == 0 ||
           (strncmp(a->table, row->source_schema, schema) == 0 && a->table[schema] == '.' &&
            strcmp(a->table + schema + 1, row->source_table) == 0);
}

static bool is_named(lb_ctx *ctx, const struct args *a, const archival_archives_row *row)
{
    const char *full = lb_printf(ctx, "%s.%s.%s", row->lake_catalog, row->lake_schema, row->lake_table);
    return !a->archive_delta_table || (full && strcmp(full, a->archive_delta_table) == 0);
}

static const char *catalog_of(lb_ctx *ctx, const struct args *a)
{
    const lb_target *target = lb_run_target(ctx);
    const char *project = target->project ? target->project : "local";
    char *copy = lb_alloc(ctx, strlen(project) + 1);
    for (size_t i = 0; copy && project[i]; i++)
        copy[i] = project[i] == '-' ? '_' : project[i];
    return a->hot_catalog ? a->hot_catalog : copy;
}

static int unify_one(lb_ctx *ctx, const archival_archives_row *row, lb_error *err)
{
    const struct args *a = ctx->args;
    unified u = {.ctx = ctx, .label = lb_printf(ctx, "%s.%s", row->source_schema, row->source_table)};
    const char *view = a->view_name ? a->view_name : lb_printf(ctx, "vw_%s_unified", row->lake_table);
    u.hot = (lb_lake_name){catalog_of(ctx, a), row->source_schema, row->source_table};
    u.cold = (lb_lake_name){row->lake_catalog, row->lake_schema, row->lake_table};
    u.view = (lb_lake_name){a->view_catalog ? a->view_catalog : row->lake_catalog,
                            a->view_schema ? a->view_schema : row->lake_schema, view};
    return !u.label || !view || !u.hot.catalog ? lb_out_of_memory(err) : unify(&u, err);
}

static bool is_same_source(const archival_archives_row *a, const archival_archives_row *b)
{
    return strcmp(a->source_schema, b->source_schema) == 0 && strcmp(a->source_table, b->source_table) == 0;
}

/* Archives of one name in several schemas, whose views are to be in one. Names of the lakehouse know no capitals. */
static bool is_taken(const struct args *a, const archival_archives_row *rows, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (!is_same_source(&rows[k], &rows[i]) && strcasecmp(rows[k].lake_table, rows[i].lake_table) == 0 &&
            (a->view_schema || strcasecmp(rows[k].lake_schema, rows[i].lake_schema) == 0) &&
            (a->view_catalog || strcasecmp(rows[k].lake_catalog, rows[i].lake_catalog) == 0))
            return true;
    return false;
}

/* Rows in two archives would be missed by a view of one. */
static int unify_all(lb_ctx *ctx, const archival_archives_row *rows, size_t count, lb_error *err)
{
    const struct args *a = ctx->args;
    int r = 0;
    if (a->view_name && count > 1)
        return lb_fail(err, LB_ERR_INVALID, "leave view_name out, or name one table", "%zu tables cannot all be %s",
                       count, a->view_name);
    for (size_t i = 0; r >= 0 && i < count; i++) {
        bool again = i > 0 && is_same_source(&rows[i], &rows[i - 1]);
        bool several = i + 1 < count && is_same_source(&rows[i], &rows[i + 1]);
        if (again)
            continue;
        const char *why = several ? "its rows went to several archives: say which with archive_delta_table"
                          : is_taken(a, rows, i) ? "the view of another table has this name: give view_name, or "
                                                   "view_schema, for one table"
                                                 : NULL;
        r = why ? lb_skipped(ctx, lb_printf(ctx, "%s.%s", rows[i].source_schema, rows[i].source_table), why, err)
                : unify_one(ctx, &rows[i], err);
    }
    return r;
}

/* Who has misspelt it is not to believe that all of its rows are here. */
static int say_nothing_archived(lb_ctx *ctx, const char *table, const char *why, lb_error *err)
{
    const lb_texts one = {&table, 1};
    bool is_there = !table;
    cold_set set = {.count = 0};
    int r = table ? cold_read(ctx, 0, &set, err) : 0;
    for (size_t i = 0; r >= 0 && i < set.count; i++)
        is_there = is_there || cold_listed(&one, set.tables[i].r.schema, set.tables[i].r.name);
    if (r >= 0 && !is_there)
        return lb_fail(err, LB_ERR_NOT_FOUND, "write it as schema.table, in the case in which the server keeps it",
                       "there is no table %s", table);
    return r < 0 ? r : lb_skipped(ctx, table ? table : "tables", why, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *a = ctx->args;
    archival_ledger_found_row found = {false};
    lb_rows *rows = NULL;
    size_t count = 0;
    int r = archival_ledger_found(ctx, &rows, err);
    if (r < 0)
        return r;
    if (!archival_ledger_found_next(ctx, rows, &found) || !found.present)
        return say_nothing_archived(ctx, a->table, "nothing of this database is archived yet", err);
    r = archival_archives(ctx, &rows, err);
    if (r < 0)
        return r;
    archival_archives_row *list = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *list);
    if (!list)
        return lb_out_of_memory(err);
    while (archival_archives_next(ctx, rows, &list[count]))
        count += is_wanted(a, &list[count]) && is_named(ctx, a, &list[count]);
    if (!count)
        return say_nothing_archived(ctx, a->table, "nothing of it is archived yet", err);
    r = unify_all(ctx, list, count, err);
    return r < 0 ? r : lb_result(ctx, LB_ARGS(lb_text("note", NOTE)), err);
}

LB_TOOL(create_unified_access_view, "hot and archived rows of a table as one view of the lakehouse", .agent = "health",
        .risk = LB_RISK_LOW, LB_TOOL_ARGS(struct args, params), .run = run);
