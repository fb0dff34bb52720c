/* configure_rls: tenants kept apart inside one database, by a column of shared tables or by schemas of their own. What
 * is missing is made and what is surplus told; each change is tried, as each tenant, before it is allowed to stand. */
#include "rls.h"

static const lb_param params[] = {
    LB_PARAM(rls_wish, tenants, LB_LIST_OF(LB_TEXT), NULL, "who they are: values of the column, or names of schemas"),
    LB_PARAM(rls_wish, isolation, LB_TEXT, "column", "what tells them apart", .choices = "column|schema"),
    LB_PARAM(rls_wish, tenant_column, LB_TEXT, "tenant_id", "by column: its name"),
    LB_PARAM(rls_wish, tables, LB_LIST_OF(LB_TEXT), NULL, "by column: the tables, as SQL names them; without it, all"),
    LB_PARAM(rls_wish, schemas, LB_LIST_OF(LB_TEXT), "[\"public\"]", "by column: where all tables are looked for"),
    LB_PARAM(rls_wish, role_prefix, LB_TEXT, "tenant_", "what the tenants' roles begin with"),
    LB_PARAM(rls_wish, roles, LB_LIST_OF(LB_TEXT), NULL, "the tenants' roles by name, in the same order"),
    LB_PARAM(rls_wish, access, LB_TEXT, "write", "what tenants may do with their rows", .choices = "read|write"),
    LB_PARAM(rls_wish, operators, LB_LIST_OF(LB_TEXT), NULL, "by column: roles that work for all tenants"),
    LB_PARAM(rls_wish, prove, LB_TEXT, "changes", "when tenants are tried", .choices = "changes|always|never"),
    LB_PARAM(rls_wish, exposed_schemas, LB_LIST_OF(LB_TEXT), NULL, "what the Data API is to show"),
    LB_PARAM(rls_wish, cors_origins, LB_LIST_OF(LB_TEXT), NULL, "whose pages may ask the Data API"),
    LB_PARAMS_END,
};

static int part_tables(rls_work *w, lb_error *err)
{
    if (!w->tables.count)
        return lb_skipped(w->ctx, "tables",
                          lb_printf(w->ctx, "none of those looked at has a column %s", w->wish->tenant_column), err);
    int r = rls_make_roles(w, err);
    if (r >= 0)
        r = rls_guard_tables(w, err);
    return r < 0 ? r : rls_tell_tables(w, err);
}

static int part_schemas(rls_work *w, lb_error *err)
{
    int r = rls_make_roles(w, err);
    return r < 0 ? r : rls_part_schemas(w, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const rls_wish *wish = ctx->args;
    rls_work *w = lb_alloc(ctx, sizeof *w);
    if (!w)
        return lb_out_of_memory(err);
    *w = (rls_work){.ctx = ctx, .wish = wish, .writes = strcmp(wish->access, "write") == 0};
    if (!wish->tenants.count)
        return lb_skipped(ctx, "tenants", "none are named: --tenants says who is to be kept apart", err);
    int r = rls_check(ctx, wish, err);
    if (r >= 0)
        r = rls_read(w, err);
    if (r >= 0)
        r = rls_tell_roles(w, err);
    if (r >= 0)
        r = strcmp(wish->isolation, "schema") == 0 ? part_schemas(w, err) : part_tables(w, err);
    if (r >= 0)
        r = rls_expose(w, err);
    return r < 0
               ? r
               : lb_result(ctx,
                           LB_ARGS(lb_i64("tenants", (int64_t)w->tenant_count), lb_i64("roles_created", w->roles_made),
                                   lb_i64("rls_policies_created", w->policies_made),
                                   lb_i64("rights_granted", w->grants_made), lb_i64("indexes_created", w->indexes_made),
                                   lb_i64("tried", w->tried), lb_bool("waits", w->waits)),
                           err);
}

LB_TOOL(configure_rls, "keeps tenants apart inside one database, and tries whether they are", .agent = "provisioning",
        .risk = LB_RISK_HIGH, .needs_approval = true, .detector = true, LB_TOOL_ARGS(rls_wish, params), .run = run);
