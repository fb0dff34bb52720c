/* What a person should know: who is held by no policy, and what stands beside ours. */
#include "rls.h"

#include <sql/rls/bind_role.h>
#include <sql/rls/close_schema.h>
#include <sql/rls/definers.h>
#include <sql/rls/drop_index.h>
#include <sql/rls/drop_policy.h>
#include <sql/rls/drop_role.h>
#include <sql/rls/evaders.h>
#include <sql/rls/invoke_routine.h>
#include <sql/rls/invoke_view.h>
#include <sql/rls/parts.h>
#include <sql/rls/revoke_part.h>
#include <sql/rls/revoke_truncate.h>
#include <sql/rls/roles.h>
#include <sql/rls/rows_of_nobody.h>
#include <sql/rls/surplus.h>
#include <sql/rls/views.h>

#define COUNTED_MOST 1000

/* All of it is read from the catalogue: what may be is certain, whether somebody does it is not known. */
#define KNOWN_FROM_CATALOGUE LB_TERMS({"read_from_catalogue", 0.9})

/* ---- policies of ours ---- */

static bool compares(const char *expression, const rls_tenant *tenant)
{
    const char *wanted = tenant ? tenant->quoted : "true";
    bool is_number = tenant && *tenant->name && !tenant->name[strspn(tenant->name, "0123456789")];
    return expression && (strcmp(expression, wanted) == 0 || (is_number && strcmp(expression, tenant->bare) == 0));
}

bool rls_policy_fits(const rls_policies_row *policy, const rls_tenant *tenant)
{
    bool is_theirs =
        tenant ? policy->only_role && strcmp(policy->only_role, tenant->role) == 0 : policy->is_for_operators;
    return is_theirs && policy->is_permissive && strcmp(policy->command, "*") == 0 &&
           compares(policy->visible, tenant) && compares(policy->writable, tenant);
}

const rls_policies_row *rls_policy_find(const rls_work *w, int64_t table_id, const char *name)
{
    const rls_policies_row *policies = w->policies.items;
    for (size_t i = 0; i < w->policies.count; i++)
        if (policies[i].table_id == table_id && strcmp(policies[i].name, name) == 0)
            return &policies[i];
    return NULL;
}

/* ---- roles ---- */

static int tell_tenant(rls_work *w, const rls_roles_row *row, lb_error *err)
{
    const lb_sql *fix = NULL;
    bool evades = row->is_superuser || row->bypasses;
    int r = evades ? rls_bind_role_compose(w->ctx, &(rls_bind_role_args){.role = row->name}, &fix, err) : 0;
    if (r >= 0 && evades)
        r = lb_report(w->ctx,
                      LB_FINDING(.object = row->name, .kind = "tenant_evades_policies",
                                 .reason = "a tenant's role is held by no policy, so that its tenant sees every row",
                                 .evidence = LB_ARGS(lb_bool("superuser", row->is_superuser),
                                                     lb_bool("bypassrls", row->bypasses)),
                                 .terms = KNOWN_FROM_CATALOGUE, .fix = fix),
                      err);
    if (r >= 0 && row->reaches)
        r = lb_report(w->ctx,
                      LB_FINDING(.object = row->name, .kind = "tenant_reaches_others",
                                 .reason = "a tenant's role is a member of roles that may more than it",
                                 .evidence = LB_ARGS(lb_text("member_of", row->reaches)),
                                 .terms = KNOWN_FROM_CATALOGUE),
                      err);
    return r;
}

static int tell_tenants(rls_work *w, lb_error *err)
{
    const char **owners = lb_alloc(w->ctx, (w->tables.count + 1) * sizeof *owners);
    rls_roles_row row;
    lb_rows *rows = NULL;
    if (!owners)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < w->tables.count; i++)
        owners[i] = rls_table_at(w, i)->owner;
    int r = rls_roles(w->ctx, &(rls_roles_args){.roles = w->roles, .owners = {owners, w->tables.count}}, &rows, err);
    while (r >= 0 && rls_roles_next(w->ctx, rows, &row))
        r = tell_tenant(w, &row, err);
    return r;
}

static int tell_evaders(rls_work *w, lb_error *err)
{
    rls_evaders_row row;
    lb_rows *rows = NULL;
    int r = rls_evaders(w->ctx, &rows, err);
    while (r >= 0 && rls_evaders_next(w->ctx, rows, &row))
        r = lb_report(w->ctx,
                      LB_FINDING(.object = row.name, .kind = "role_evades_policies",
                                 .reason = row.is_superuser ? "a superuser that can log in sees every tenant's rows"
                                           : row.by ? "who logs in with this role can act as one that no policy holds"
                                                    : "a role that can log in bypasses row security",
                                 .evidence = LB_ARGS(lb_bool("superuser", row.is_superuser), lb_text("by", row.by),
                                                     lb_bool("ourselves", strcmp(row.name, w->me) == 0)),
                                 .terms = KNOWN_FROM_CATALOGUE),
                      err);
    return r;
}

static int tell_one_surplus(rls_work *w, const rls_surplus_row *row, lb_error *err)
{
    const lb_sql *fix = NULL;
    int r =
        row->table_name
            ? rls_drop_policy_compose(
                  w->ctx, &(rls_drop_policy_args){.name = row->role, .schema = row->schema, .table = row->table_name},
                  &fix, err)
            : rls_drop_role_compose(w->ctx, &(rls_drop_role_args){.role = row->role}, &fix, err);
    if (r < 0)
        return r;
    return lb_report(
        w->ctx,
        LB_FINDING(.object = row->table_name ? lb_printf(w->ctx, "%s.%s", row->schema, row->table_name) : row->role,
                   .kind = row->table_name ? "surplus_policy" : "surplus_role",
                   .reason =
                       lb_printf(w->ctx, "%s goes by the prefix of tenants and is none of those given", row->role),
                   .evidence = LB_ARGS(lb_text("role", row->role), lb_i64("members", row->members)),
                   .terms = LB_TERMS({"read_from_catalogue", 0.6}), .fix = fix),
        err);
}

static int tell_surplus(rls_work *w, lb_error *err)
{
    const rls_surplus_args wanted = {.roles = w->roles, .prefix = w->wish->roles.count ? "" : w->wish->role_prefix};
    rls_surplus_row row;
    lb_rows *rows = NULL;
    int r = rls_surplus(w->ctx, &wanted, &rows, err);
    while (r >= 0 && rls_surplus_next(w->ctx, rows, &row))
        r = tell_one_surplus(w, &row, err);
    return r;
}

int rls_tell_roles(rls_work *w, lb_error *err)
{
    int r = tell_tenants(w, err);
    if (r >= 0 && w->tables.count)
        r = tell_evaders(w, err);
    return r < 0 ? r : tell_surplus(w, err);
}

int rls_tell_open_schema(rls_work *w, const char *schema, lb_error *err)
{
    const lb_sql *fix = NULL;
    int r = rls_close_schema_compose(w->ctx, &(rls_close_schema_args){.schema = schema}, &fix, err);
    return r < 0 ? r
                 : lb_report(w->ctx,
                             LB_FINDING(.object = schema, .kind = "open_schema",
                                        .reason = "everybody has rights on a tenant's schema, other tenants too",
                                        .evidence = LB_ARGS(lb_bool("public", true)), .terms = KNOWN_FROM_CATALOGUE,
                                        .fix = fix),
                             err);
}

/* ---- tables ---- */

static bool is_ours(const rls_work *w, const rls_policies_row *policy)
{
    if (strcmp(policy->name, RLS_OPERATORS) == 0)
        return true;
    for (size_t i = 0; i < w->tenant_count; i++)
        if (strcmp(policy->name, w->tenants[i].role) == 0)
            return true;
    return false;
}

static int tell_other_policy(rls_work *w, const rls_tables_row *t, const rls_policies_row *policy, lb_error *err)
{
    const lb_sql *fix = NULL;
    int r = rls_drop_policy_compose(
        w->ctx, &(rls_drop_policy_args){.name = policy->name, .schema = t->schema, .table = t->name}, &fix, err);
    return r < 0
               ? r
               : lb_report(w->ctx,
                           LB_FINDING(.object = lb_printf(w->ctx, "%s.%s", t->schema, t->name), .kind = "other_policy",
                                      .reason = "a permissive policy of somebody else's adds rows to what tenants may",
                                      .evidence = LB_ARGS(
                                          lb_text("policy", policy->name), lb_text("applies_to", policy->applies_to),
                                          lb_text("command", policy->command), lb_text("visible", policy->visible)),
                                      .terms = KNOWN_FROM_CATALOGUE, .fix = fix),
                           err);
}

static int tell_owner(rls_work *w, const rls_tables_row *t, lb_error *err)
{
    bool is_covered = t->owner_is_exempt;
    for (size_t i = 0; i < w->wish->operators.count; i++)
        is_covered = is_covered || strcmp(w->wish->operators.items[i], t->owner) == 0;
    return is_covered
               ? 0
               : lb_report(
                     w->ctx,
                     LB_FINDING(.object = lb_printf(w->ctx, "%s.%s", t->schema, t->name), .kind = "owner_sees_nothing",
                                .reason = lb_printf(w->ctx,
                                                    "its owner %s is held by the policies, and none gives it rows: "
                                                    "name it in --operators if it works for all tenants",
                                                    t->owner),
                                .evidence = LB_ARGS(lb_text("owner", t->owner)), .terms = KNOWN_FROM_CATALOGUE),
                     err);
}

static int tell_index(rls_work *w, const rls_tables_row *t, lb_error *err)
{
    const lb_sql *fix = NULL;
    if (!t->invalid_index || t->has_index)
        return 0;
    int r = rls_drop_index_compose(w->ctx, &(rls_drop_index_args){.index = t->invalid_index}, &fix, err);
    return r < 0 ? r
                 : lb_report(w->ctx,
                             LB_FINDING(.object = t->invalid_index, .kind = "invalid_index",
                                        .reason = "a build of the tenants' index failed: drop it, and run this again",
                                        .evidence = LB_ARGS(lb_text("table", t->name)), .terms = KNOWN_FROM_CATALOGUE,
                                        .fix = fix),
                             err);
}

static int tell_truncate(rls_work *w, const rls_rights_row *right, lb_error *err)
{
    const rls_tables_row *t = NULL;
    const lb_sql *fix = NULL;
    for (size_t i = 0; i < w->tables.count; i++)
        t = rls_table_at(w, i)->id == right->table_id ? rls_table_at(w, i) : t;
    if (!t || !right->truncates)
        return 0;
    int r = rls_revoke_truncate_compose(
        w->ctx, &(rls_revoke_truncate_args){.schema = t->schema, .table = t->name, .role = right->role}, &fix, err);
    return r < 0
               ? r
               : lb_report(w->ctx,
                           LB_FINDING(.object = lb_printf(w->ctx, "%s.%s", t->schema, t->name),
                                      .kind = "truncate_evades_policies",
                                      .reason = lb_printf(w->ctx, "%s may empty it, which asks no policy", right->role),
                                      .evidence = LB_ARGS(lb_text("role", right->role)), .terms = KNOWN_FROM_CATALOGUE,
                                      .fix = fix),
                           err);
}

static int tell_part(rls_work *w, const rls_parts_row *row, lb_error *err)
{
    const lb_sql *fix = NULL;
    const rls_revoke_part_args taken = {.schema = row->schema, .table = row->name, .role = row->grantee};
    int r = row->is_owner ? 0 : rls_revoke_part_compose(w->ctx, &taken, &fix, err); /* an owner has them by itself */
    return r < 0 ? r
                 : lb_report(w->ctx,
                             LB_FINDING(.object = lb_printf(w->ctx, "%s.%s", row->schema, row->name),
                                        .kind = "partition_evades_policies",
                                        .reason = "tenants have rights on this part of a table, and asked by itself it "
                                                  "is not held by the table's policies",
                                        .evidence = LB_ARGS(lb_text("over", row->over), lb_text("role", row->grantee),
                                                            lb_text("privileges", row->privileges)),
                                        .terms = KNOWN_FROM_CATALOGUE, .fix = fix),
                             err);
}

static int tell_parts(rls_work *w, lb_error *err)
{
    rls_parts_row row;
    lb_rows *rows = NULL;
    int r = rls_parts(w->ctx, &(rls_parts_args){.tables = w->table_ids, .roles = w->roles}, &rows, err);
    while (r >= 0 && rls_parts_next(w->ctx, rows, &row)) {
        w->gap = "tenants get at rows by a part of a table: see the findings, and run this again when it is mended";
        r = tell_part(w, &row, err);
    }
    return r;
}

static int tell_views(rls_work *w, lb_error *err)
{
    rls_views_row row;
    lb_rows *rows = NULL;
    const lb_sql *fix;
    int r = rls_views(w->ctx, &(rls_views_args){.tables = w->table_ids}, &rows, err);
    while (r >= 0 && rls_views_next(w->ctx, rows, &row)) {
        bool is_view = strcmp(row.kind, "v") == 0;
        fix = NULL;
        if (is_view)
            r = rls_invoke_view_compose(w->ctx, &(rls_invoke_view_args){.schema = row.schema, .view = row.name}, &fix,
                                        err);
        if (r >= 0)
            r = lb_report(
                w->ctx,
                LB_FINDING(.object = lb_printf(w->ctx, "%s.%s", row.schema, row.name), .kind = "view_evades_policies",
                           .reason = is_view
                                         ? "it shows rows by its owner's rights: policies of who reads it do not hold"
                                         : "it is a copy of rows, which no policy holds",
                           .evidence = LB_ARGS(lb_text("over", row.over), lb_text("owner", row.owner),
                                               lb_bool("granted", row.is_open)),
                           .terms =
                               LB_TERMS({"read_from_catalogue", 0.5}, {"granted_to_others", row.is_open ? 0.4 : 0.0}),
                           .fix = fix),
                err);
    }
    return r;
}

static int tell_definers(rls_work *w, lb_error *err)
{
    rls_definers_row row;
    lb_rows *rows = NULL;
    const rls_definers_args asked = {.tables = w->table_ids, .roles = w->roles, .operators = w->wish->operators};
    int r = rls_definers(w->ctx, &asked, &rows, err);
    while (r >= 0 && rls_definers_next(w->ctx, rows, &row)) {
        const lb_sql *fix = NULL;
        r = rls_invoke_routine_compose(w->ctx, &(rls_invoke_routine_args){.routine = row.routine}, &fix, err);
        if (r >= 0)
            r = lb_report(
                w->ctx,
                LB_FINDING(.object = row.routine, .kind = "function_evades_policies",
                           .reason = "tenants may call it, and it reads the table by the rights of its owner, whom no "
                                     "policy holds to one tenant",
                           .evidence = LB_ARGS(lb_text("over", row.over), lb_text("owner", row.owner),
                                               lb_text("callers", row.callers)),
                           .terms = LB_TERMS({"read_from_catalogue", 0.7}), .fix = fix),
                err);
    }
    return r;
}

int rls_tell_nobodys(rls_work *w, const rls_tables_row *t, bool is_asked, lb_error *err)
{
    const rls_rows_of_nobody_args counted = {
        .id = t->id, .schema = t->schema, .table = t->name, .key = w->wish->tenant_column};
    const char *table = lb_printf(w->ctx, "%s.%s", t->schema, t->name);
    rls_rows_of_nobody_row row = {0};
    lb_rows *rows = NULL;
    int r = rls_rows_of_nobody(w->ctx, &counted, &rows, err);
    if (r == LB_ERR_UNREACHABLE || r == LB_ERR_NO_MEMORY || lb_cancelled(w->ctx))
        return r;
    if (r < 0 || !rls_rows_of_nobody_next(w->ctx, rows, &row) || row.is_hidden)
        return is_asked ? lb_skipped(w->ctx, table, "its rows are not ours to count: some may have no tenant", err) : 0;
    bool is_more = row.rows > COUNTED_MOST;
    const char *many = is_more ? "more than 1000" : lb_printf(w->ctx, "%lld", (long long)row.rows);
    const char *seen_by = w->wish->operators.count ? "operators alone see them" : "nobody sees them once it is guarded";
    return !row.rows ? 0
                     : lb_report(w->ctx,
                                 LB_FINDING(.object = table, .kind = "rows_without_tenant",
                                            .reason = lb_printf(w->ctx, "%s row(s) have NULL as their tenant: %s", many,
                                                                seen_by),
                                            .evidence = LB_ARGS(lb_text("column", w->wish->tenant_column),
                                                                lb_i64("rows", is_more ? COUNTED_MOST : row.rows),
                                                                lb_bool("more", is_more)),
                                            .terms = LB_TERMS({"counted", 1.0})),
                                 err);
}

int rls_tell_tables(rls_work *w, lb_error *err)
{
    const rls_rights_row *rights = w->rights.items;
    const rls_policies_row *policies = w->policies.items;
    int r = 0;
    for (size_t i = 0; r >= 0 && i < w->tables.count; i++) {
        const rls_tables_row *t = rls_table_at(w, i);
        r = tell_owner(w, t, err);
        if (r >= 0)
            r = tell_index(w, t, err);
        for (size_t k = 0; r >= 0 && k < w->policies.count; k++)
            if (policies[k].table_id == t->id && policies[k].is_permissive && policies[k].reaches_tenants &&
                !is_ours(w, &policies[k]))
                r = tell_other_policy(w, t, &policies[k], err);
    }
    for (size_t i = 0; r >= 0 && i < w->rights.count; i++)
        r = tell_truncate(w, &rights[i], err);
    if (r >= 0 && w->tables.count)
        r = tell_parts(w, err);
    if (r >= 0 && w->tables.count)
        r = tell_views(w, err);
    if (r >= 0 && w->tables.count)
        r = tell_definers(w, err);
    return r < 0 ? r : lb_examined(w->ctx, "tables", (int64_t)w->tables.count, err);
}
