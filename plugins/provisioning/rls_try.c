/* Tenants tried. What is needed for it lives as long as the group's transaction: a table of who is who, and a view of
 * the rows that shows them by the rights of who asks. */
#include "rls.h"

#include <sql/rls/act_again.h>
#include <sql/rls/act_as.h>
#include <sql/rls/join_role.h>
#include <sql/rls/keep_others.h>
#include <sql/rls/keep_rows.h>
#include <sql/rls/keep_tenants.h>
#include <sql/rls/large_tenants.h>
#include <sql/rls/leave_role.h>
#include <sql/rls/lend_rows.h>
#include <sql/rls/lend_tenants.h>
#include <sql/rls/try_access.h>
#include <sql/rls/try_nobody.h>
#include <sql/rls/try_others.h>
#include <sql/rls/try_reach.h>

typedef struct cast {
    const char **roles, **names; /* of all that policies hold */
    const char **tried;          /* those of them that are tried */
    const char **strangers;      /* those of these that we cannot act as yet */
    const char **lent;           /* all these and the table's owner: who needs rights on what it is tried with */
    size_t count, tried_count, stranger_count, lent_count;
} cast;

/* Of those that we can act as, from *at on; NULL: there are no more. */
static const rls_bystanders_row *next_bystander(const rls_work *w, const rls_trial *trial, size_t *at)
{
    const rls_bystanders_row *rows = w->bystanders.items;
    while (*at < w->bystanders.count) {
        const rls_bystanders_row *row = &rows[(*at)++];
        if (row->table_id == trial->id && row->can_act)
            return row;
    }
    return NULL;
}

static int choose(const rls_work *w, const rls_trial *trial, cast *c, lb_error *err)
{
    const size_t bytes = (w->tenant_count + 2) * sizeof(const char *);
    size_t at = 0;
    *c = (cast){.roles = lb_alloc(w->ctx, bytes),
                .names = lb_alloc(w->ctx, bytes),
                .tried = lb_alloc(w->ctx, bytes),
                .strangers = lb_alloc(w->ctx, bytes),
                .lent = lb_alloc(w->ctx, bytes)};
    if (!c->roles || !c->names || !c->tried || !c->strangers || !c->lent)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < w->tenant_count; i++) {
        const rls_tenant *tenant = &w->tenants[i];
        if (tenant->evades)
            continue;
        c->lent[c->lent_count++] = tenant->role;
        c->roles[c->count] = tenant->role;
        c->names[c->count++] = tenant->name;
        if (trial->only ? tenant != trial->only : !tenant->is_due)
            continue;
        c->tried[c->tried_count++] = tenant->role;
        if (!w->is_superuser && !tenant->can_act)
            c->strangers[c->stranger_count++] = tenant->role;
    }
    for (const rls_bystanders_row *row; (row = next_bystander(w, trial, &at));)
        if (row->is_owner)
            c->lent[c->lent_count++] = row->role;
    return 0;
}

/* A membership of our own for as long as it takes: who makes a role may grant it, and need not be able to act as it. */
static int join(const rls_work *w, const rls_trial *trial, const cast *c, lb_error *err)
{
    return !c->stranger_count
               ? 0
               : rls_join_role(w->ctx, trial->group,
                               &(rls_join_role_args){.roles = {c->strangers, c->stranger_count}, .member = w->me}, err);
}

static int leave(const rls_work *w, const rls_trial *trial, const cast *c, lb_error *err)
{
    return !c->stranger_count
               ? 0
               : rls_leave_role(w->ctx, trial->group,
                                &(rls_leave_role_args){.roles = {c->strangers, c->stranger_count}, .member = w->me},
                                err);
}

static int keep_rows(const rls_work *w, const rls_trial *trial, lb_error *err)
{
    if (trial->only)
        return rls_keep_others(w->ctx, trial->group,
                               &(rls_keep_others_args){.schema = trial->schema, .table = trial->table}, err);
    return rls_keep_rows(w->ctx, trial->group,
                         &(rls_keep_rows_args){.schema = trial->schema, .table = trial->table, .key = trial->key}, err);
}

static int prepare(const rls_work *w, const rls_trial *trial, const cast *c, lb_error *err)
{
    const lb_texts roles = {c->roles, c->count}, names = {c->names, c->count}, lent = {c->lent, c->lent_count};
    const char *type = trial->only ? "text" : trial->key_type;
    int r = rls_keep_tenants(w->ctx, trial->group,
                             &(rls_keep_tenants_args){.roles = roles, .tenants = names, .type = type}, err);
    if (r >= 0)
        r = rls_lend_tenants(w->ctx, trial->group, &(rls_lend_tenants_args){.roles = lent}, err);
    if (r < 0 || !trial->table)
        return r;
    r = keep_rows(w, trial, err);
    return r < 0 ? r : rls_lend_rows(w->ctx, trial->group, &(rls_lend_rows_args){.roles = lent}, err);
}

static int try_one(const rls_work *w, const rls_trial *trial, const char *role, lb_error *err)
{
    int r = rls_act_as(w->ctx, trial->group, &(rls_act_as_args){.role = role}, err);
    if (r >= 0)
        r = trial->only ? rls_try_reach(w->ctx, trial->group, err) : rls_try_access(w->ctx, trial->group, err);
    return r >= 0 && trial->only && trial->table ? rls_try_others(w->ctx, trial->group, err) : r;
}

/* After our own memberships of a moment, by which we would have what tenants have. */
static int try_bystanders(const rls_work *w, const rls_trial *trial, lb_error *err)
{
    size_t at = 0, count = 0;
    int r = 0;
    for (const rls_bystanders_row *row; r >= 0 && (row = next_bystander(w, trial, &at)); count++) {
        r = rls_act_as(w->ctx, trial->group, &(rls_act_as_args){.role = row->role}, err);
        if (r >= 0)
            r = rls_try_nobody(w->ctx, trial->group, err);
    }
    return r < 0 || !count ? r : rls_act_again(w->ctx, trial->group, err);
}

int rls_try(rls_work *w, const rls_trial *trial, lb_error *err)
{
    cast c;
    int r = choose(w, trial, &c, err);
    if (r < 0 || !c.tried_count)
        return r;
    r = prepare(w, trial, &c, err);
    if (r >= 0)
        r = join(w, trial, &c, err);
    for (size_t i = 0; r >= 0 && i < c.tried_count; i++)
        r = try_one(w, trial, c.tried[i], err);
    if (r >= 0)
        r = rls_act_again(w->ctx, trial->group, err);
    if (r >= 0)
        r = leave(w, trial, &c, err);
    return r < 0 ? r : try_bystanders(w, trial, err);
}

static int tell_untried_bystanders(rls_work *w, const rls_tables_row *t, lb_error *err)
{
    const rls_bystanders_row *rows = w->bystanders.items;
    const char *table = lb_printf(w->ctx, "%s.%s", t->schema, t->name);
    int r = 0;
    for (size_t i = 0; r >= 0 && i < w->bystanders.count; i++)
        if (rows[i].table_id == t->id && !rows[i].can_act)
            r = lb_skipped(w->ctx, table,
                           lb_printf(w->ctx, "%s%s is not ours to act as: whether it reads rows is not tried",
                                     rows[i].is_owner ? "its owner " : "", rows[i].role),
                           err);
    return r;
}

int rls_tell_untried(rls_work *w, const rls_tables_row *t, lb_error *err)
{
    const rls_large_tenants_args wanted = {.tenants = w->wish->tenants,
                                           .type = t->key_type,
                                           .id = t->id,
                                           .schema = t->schema,
                                           .table = t->name,
                                           .key = w->wish->tenant_column};
    rls_large_tenants_row row = {0};
    lb_rows *rows = NULL;
    const char *table = lb_printf(w->ctx, "%s.%s", t->schema, t->name);
    int r = tell_untried_bystanders(w, t, err);
    if (r < 0)
        return r;
    r = rls_large_tenants(w->ctx, &wanted, &rows, err);
    if (r == LB_ERR_UNREACHABLE || r == LB_ERR_NO_MEMORY || lb_cancelled(w->ctx))
        return r;
    if (r >= 0 && !rls_large_tenants_next(w->ctx, rows, &row))
        return 0;
    if (r < 0 || row.is_hidden)
        return lb_skipped(w->ctx, table,
                          "its rows are not ours to count: a tenant with more than 1000 is not tried for UPDATE and "
                          "DELETE",
                          err);
    return lb_skipped(w->ctx, table,
                      lb_printf(w->ctx,
                                "%lld tenant(s), such as %s, have more than 1000 rows: they are not tried for UPDATE "
                                "and DELETE",
                                (long long)lb_row_count(w->ctx, rows), row.tenant),
                      err);
}
