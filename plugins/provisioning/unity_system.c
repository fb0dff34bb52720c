/* Audit and lineage: can they be read, and by those who are to? */
#include "unity.h"

static const struct {
    const char *name, *what;
} system_tables[] = {
    {"system.access.audit", "who did what"},
    {"system.access.table_lineage", "which tables come from which"},
    {"system.access.column_lineage", "which columns come from which"},
};

#define SYSTEM_RIGHTS "USE CATALOG on system, USE SCHEMA on system.access, SELECT on the table"

static int tell_unreadable(lb_ctx *ctx, const char *table, const char *what, const lb_error *why, lb_error *err)
{
    bool denied = why->code == LB_ERR_DENIED;
    return lb_report(
        ctx,
        LB_FINDING(.object = table, .kind = denied ? "system_table_denied" : "system_table_missing",
                   .reason = denied ? lb_printf(ctx, "%s cannot be read here: it takes %s", what, SYSTEM_RIGHTS)
                                    : lb_printf(ctx,
                                                "%s cannot be read here: an administrator of the account has to enable "
                                                "the schema system.access",
                                                what),
                   .evidence = LB_ARGS(lb_text("answer", why->message)), .terms = LB_TERMS({"was_asked", 0.9})),
        err);
}

/* Rights come from above as well, so what counts is what holds in the end. */
static int check_auditors(lb_ctx *ctx, const char *table, const lb_texts *auditors, lb_error *err)
{
    struct json_object *grants = NULL;
    int r = 0;
    if (auditors->count &&
        !(grants = unity_find(ctx, lb_printf(ctx, "unity-catalog/effective-permissions/table/%s", table), NULL, err)))
        return err->code;
    for (size_t i = 0; r >= 0 && i < auditors->count; i++) {
        const char *who = auditors->items[i];
        if (unity_holds(grants, who, "SELECT") || unity_holds(grants, who, "ALL_PRIVILEGES"))
            continue;
        r = lb_report(ctx,
                      LB_FINDING(.object = table, .kind = "auditor_lacks_right",
                                 .reason = lb_printf(ctx, "%s cannot read it: it takes %s", who, SYSTEM_RIGHTS),
                                 .evidence = LB_ARGS(lb_text("principal", who), lb_text("lacks", "SELECT")),
                                 .terms = LB_TERMS({"read_from_unity_catalog", 0.8})),
                      err);
    }
    return r;
}

int unity_check_system(lb_ctx *ctx, const lb_texts *auditors, lb_error *err)
{
    lb_value readable[sizeof system_tables / sizeof system_tables[0]];
    size_t count = 0, all = sizeof system_tables / sizeof system_tables[0];
    int r = 0;
    for (size_t i = 0; r >= 0 && i < all; i++) {
        lb_error why = {0};
        const char *path = lb_printf(ctx, "unity-catalog/tables/%s", system_tables[i].name);
        if (unity_find(ctx, path, "omit_columns=true", &why)) {
            readable[count++] = lb_text(NULL, system_tables[i].name);
            r = check_auditors(ctx, system_tables[i].name, auditors, err);
        } else if (why.code == LB_ERR_DENIED || why.code == LB_ERR_NOT_FOUND) {
            r = tell_unreadable(ctx, system_tables[i].name, system_tables[i].what, &why, err);
        } else {
            *err = why;
            r = why.code;
        }
    }
    if (r >= 0)
        r = lb_examined(ctx, "system tables", (int64_t)all, err);
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_list("system_tables", LB_TEXT, readable, count),
                                     lb_text("audit_via", system_tables[0].name),
                                     lb_text("lineage_tracking", system_tables[1].name)),
                             err);
}
