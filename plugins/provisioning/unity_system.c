/* Audit and lineage: can they be read, by us and by those who are to? Where a warehouse answers, the questions that
 * people would ask are asked; else what Unity Catalog says of our rights has to do. */
#include "branch_plane.h"
#include "unity.h"

#include <sql/unity/audit.h>
#include <sql/unity/lineage.h>

#define SYSTEM_RIGHTS "USE CATALOG on system, USE SCHEMA on system.access, SELECT on the table"
#define DAYS          30 /* that the questions look back */
#define DAY_US        (INT64_C(86400) * 1000000)

static const struct {
    const char *name, *what, *query; /* the last: what the result calls the question */
} system_tables[] = {
    {"audit", "who did what", "audit_query"},
    {"table_lineage", "which tables come from which", "lineage_query"},
    {"column_lineage", "which columns come from which", "column_lineage_query"},
};

enum { TABLES = sizeof system_tables / sizeof system_tables[0] };

typedef struct look {
    lb_ctx *ctx;
    const char *catalog;
    const lb_texts *auditors;
    struct json_object *me; /* NULL: nobody says who we are */
    size_t count;
    lb_value readable[TABLES];
} look;

static const char *full_name(look *l, size_t i)
{
    const char *name = lb_printf(l->ctx, "system.access.%s", system_tables[i].name);
    return name ? name : "system.access";
}

static int tell_unreadable(look *l, size_t i, const lb_error *why, lb_error *err)
{
    const char *what = system_tables[i].what;
    bool denied = why->code == LB_ERR_DENIED;
    return lb_report(
        l->ctx,
        LB_FINDING(.object = full_name(l, i), .kind = denied ? "system_table_denied" : "system_table_missing",
                   .reason = denied ? lb_printf(l->ctx, "%s cannot be read here: it takes %s", what, SYSTEM_RIGHTS)
                                    : lb_printf(l->ctx,
                                                "%s cannot be read here: an administrator of the account has to "
                                                "enable the schema system.access",
                                                what),
                   .evidence = LB_ARGS(lb_text("answer", why->message)), .terms = LB_TERMS({"was_asked", 0.9})),
        err);
}

/* ---- rights: they come from above as well, so what counts is what holds in the end ---- */

static bool may_select(struct json_object *grants, const char *who)
{
    return who && (unity_holds(grants, who, "SELECT") || unity_holds(grants, who, "ALL_PRIVILEGES"));
}

static bool may_we(const look *l, struct json_object *grants, struct json_object *table)
{
    struct json_object *groups = NULL;
    const char *own = l->me ? unity_text(l->me, "userName") : NULL, *owner = unity_text(table, "owner");
    if (may_select(grants, own) || may_select(grants, "account users") || (own && owner && strcmp(own, owner) == 0))
        return true;
    if (!l->me || !json_object_object_get_ex(l->me, "groups", &groups) || !json_object_is_type(groups, json_type_array))
        return false;
    for (size_t i = 0; i < json_object_array_length(groups); i++)
        if (may_select(grants, unity_text(json_object_array_get_idx(groups, i), "display")))
            return true;
    return false;
}

static int tell_no_right(look *l, size_t i, const char *who, bool own, lb_error *err)
{
    return lb_report(
        l->ctx,
        LB_FINDING(.object = full_name(l, i), .kind = own ? "own_right_unseen" : "auditor_lacks_right",
                   .reason = own ? lb_printf(l->ctx,
                                             "no warehouse has answered, and Unity Catalog shows no right of %s or its "
                                             "groups to read it: it takes %s",
                                             who, SYSTEM_RIGHTS)
                                 : lb_printf(l->ctx, "%s cannot read it: it takes %s", who, SYSTEM_RIGHTS),
                   .evidence = LB_ARGS(lb_text("principal", who), lb_text("lacks", "SELECT")),
                   .terms = LB_TERMS({"read_from_unity_catalog", own ? 0.5 : 0.8})),
        err);
}

static int check_rights(look *l, size_t i, struct json_object *table, bool is_read, lb_error *err)
{
    const lb_texts *auditors = l->auditors;
    int r = 0;
    struct json_object *grants = NULL;
    if (is_read && !auditors->count)
        return 0;
    grants = unity_find(l->ctx, lb_printf(l->ctx, "unity-catalog/effective-permissions/table/%s", full_name(l, i)),
                        NULL, err);
    if (!grants)
        return err->code == LB_ERR_DENIED || err->code == LB_ERR_NOT_FOUND || err->code == LB_ERR_UNSUPPORTED
                   ? lb_skipped(l->ctx, full_name(l, i),
                                lb_printf(l->ctx, "who may read it is not shown: %s", err->message), err)
                   : err->code;
    for (size_t k = 0; r >= 0 && k < auditors->count; k++)
        if (!may_select(grants, auditors->items[k]))
            r = tell_no_right(l, i, auditors->items[k], false, err);
    if (r < 0 || is_read)
        return r;
    if (!may_we(l, grants, table)) {
        const char *own = l->me ? unity_text(l->me, "userName") : NULL;
        return tell_no_right(l, i, own ? own : "this run", true, err);
    }
    l->readable[l->count++] = lb_text(NULL, full_name(l, i));
    return 0;
}

/* ---- the questions ---- */

/* Of a catalog's name, which holds a-z, 0-9 and _ only, and of a day a literal is made as they are. */
static int make_question(look *l, size_t i, const lb_statement **ret_statement, const lb_value **ret_args,
                         lb_error *err)
{
    const bool is_audit = i == 0;
    lb_value *args = lb_alloc(l->ctx, 7 * sizeof *args);
    const char *day = plane_time_text(l->ctx, lb_now(l->ctx) - DAYS * DAY_US);
    const char *since = day ? lb_printf(l->ctx, "'%.10s'", day) : NULL;
    const char *itself = lb_printf(l->ctx, is_audit ? "'\"%s\"'" : "'%s'", l->catalog);
    const char *below = lb_printf(l->ctx, "'\"%s.'", l->catalog);
    if (!args || !since || !itself || !below)
        return lb_out_of_memory(err);
    size_t n = 0;
    args[n++] = lb_ident("system", "system");
    args[n++] = lb_ident("access", "access");
    args[n++] = lb_ident("name", system_tables[i].name);
    args[n++] = lb_definition(is_audit ? "itself" : "catalog", itself);
    if (is_audit)
        args[n++] = lb_definition("below", below);
    args[n++] = lb_definition("since", since);
    args[n] = (lb_value){.type = LB_END};
    *ret_statement = is_audit ? &unity_audit_sql : &unity_lineage_sql;
    *ret_args = args;
    return 0;
}

/* *ret_read: a warehouse has answered. Where none is configured, the lakehouse at home has no such table. */
static int ask(look *l, size_t i, bool *ret_read, bool *ret_denied, lb_error *err)
{
    const lb_statement *statement = NULL;
    const lb_value *args = NULL;
    const lb_sql *sql = NULL;
    lb_rows *rows = NULL;
    lb_error why = {0};
    int r = make_question(l, i, &statement, &args, err);
    if (r >= 0)
        r = lb_compose(l->ctx, statement, args, &sql, err);
    if (r >= 0)
        r = lb_result(l->ctx, LB_ARGS(lb_text(system_tables[i].query, lb_sql_text(l->ctx, sql))), err);
    if (r < 0)
        return r;
    *ret_read = lb_lake(l->ctx, statement, args, &rows, &why) >= 0;
    *ret_denied = why.code == LB_ERR_DENIED;
    if (*ret_denied)
        return tell_unreadable(l, i, &why, err);
    if (!*ret_read)
        return lb_skipped(l->ctx, full_name(l, i), lb_printf(l->ctx, "no warehouse was asked: %s", why.message), err);
    l->readable[l->count++] = lb_text(NULL, full_name(l, i));
    return lb_append(l->ctx, "asked",
                     LB_ARGS(lb_text("table", full_name(l, i)), lb_i64("rows", lb_row_count(l->ctx, rows))), err);
}

/* ---- the tables ---- */

static int look_at(look *l, size_t i, lb_error *err)
{
    lb_error why = {0};
    bool is_read = false, is_denied = false;
    struct json_object *table =
        unity_find(l->ctx, lb_printf(l->ctx, "unity-catalog/tables/%s", full_name(l, i)), "omit_columns=true", &why);
    if (!table && (why.code == LB_ERR_DENIED || why.code == LB_ERR_NOT_FOUND || why.code == LB_ERR_UNSUPPORTED))
        return tell_unreadable(l, i, &why, err);
    if (!table) {
        *err = why;
        return why.code;
    }
    int r = ask(l, i, &is_read, &is_denied, err);
    return r < 0 ? r : check_rights(l, i, table, is_read || is_denied, err);
}

int unity_check_system(lb_ctx *ctx, const char *catalog, const lb_texts *auditors, lb_error *err)
{
    lb_error ignored;
    look l = {.ctx = ctx,
              .catalog = catalog,
              .auditors = auditors,
              .me = unity_find(ctx, "scim/v2/Me", NULL, &ignored)}; /* without it, rights of ours are not seen */
    int r = 0;
    for (size_t i = 0; r >= 0 && i < TABLES; i++)
        r = look_at(&l, i, err);
    if (r >= 0)
        r = lb_examined(ctx, "system tables", TABLES, err);
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_list("system_tables", LB_TEXT, l.readable, l.count),
                                     lb_text("audit_via", "system.access.audit"),
                                     lb_text("lineage_tracking", "system.access.table_lineage")),
                             err);
}
