/* Tenants by column: for each table an index, and then in one transaction its policies, the rights, and the trial. It
 * keeps everybody out of the table from the first policy on, so it waits for that lock in short turns, and tries those
 * tenants only for whom something is new. */
#include "lock_wait.h"
#include "rls.h"

#include <sql/migration/limit_wait.h>
#include <sql/rls/alter_policy.h>
#include <sql/rls/create_index.h>
#include <sql/rls/create_index_of_parts.h>
#include <sql/rls/create_policy.h>
#include <sql/rls/create_role.h>
#include <sql/rls/guard.h>
#include <sql/rls/open_policy.h>
#include <sql/rls/read_table.h>
#include <sql/rls/reopen_policy.h>
#include <sql/rls/use_schema.h>
#include <sql/rls/use_sequence.h>
#include <sql/rls/write_table.h>

#define LOCK_WAIT_MS  500
#define LOCK_TRIES    20
#define LOCK_PAUSE_MS 2000 /* at most, between two of them */

/* ---- the roles ---- */

int rls_make_roles(rls_work *w, lb_error *err)
{
    lb_group *group = NULL;
    lb_outcome outcome = LB_APPLIED;
    int64_t missing = 0;
    for (size_t i = 0; i < w->tenant_count; i++)
        missing += !w->tenants[i].exists;
    if (!missing)
        return 0;
    int r = lb_group_open(w->ctx,
                          LB_GROUP(.title = lb_printf(w->ctx, "make %lld tenant role(s)", (long long)missing),
                                   .reason = "each tenant has a role of its own, which policies and rights name",
                                   .undo = "drop them while they own nothing", .atomic = true),
                          &group, err);
    for (size_t i = 0; r >= 0 && i < w->tenant_count; i++)
        if (!w->tenants[i].exists)
            r = rls_create_role(w->ctx, group, &(rls_create_role_args){.role = w->tenants[i].role}, err);
    if (r >= 0)
        r = lb_apply(w->ctx, group, &outcome, err);
    w->waits = w->waits || outcome == LB_WAITING || outcome == LB_REFUSED;
    w->roles_made += r >= 0 && outcome == LB_APPLIED ? missing : 0;
    return r;
}

/* ---- the index ---- */

static int make_index(rls_work *w, const rls_tables_row *t, lb_error *err)
{
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    const char *key = w->wish->tenant_column;
    if (t->has_index || t->invalid_index) /* what is left of a failed build is told of: another one would not help */
        return 0;
    int r = lb_group_open(w->ctx,
                          LB_GROUP(.title = lb_printf(w->ctx, "index %s.%s by %s", t->schema, t->name, key),
                                   .reason = "every question of a tenant is one by this column",
                                   .evidence = LB_ARGS(lb_f64("rows", t->rows < 0 ? 0 : t->rows)),
                                   .undo = "drop the index"),
                          &group, err);
    if (r >= 0 && strcmp(t->kind, "p") == 0)
        r = rls_create_index_of_parts(
            w->ctx, group, &(rls_create_index_of_parts_args){.schema = t->schema, .table = t->name, .key = key}, err);
    else if (r >= 0)
        r = rls_create_index(w->ctx, group, &(rls_create_index_args){.schema = t->schema, .table = t->name, .key = key},
                             err);
    if (r >= 0)
        r = lb_apply(w->ctx, group, &outcome, err);
    w->waits = w->waits || outcome == LB_WAITING;
    w->indexes_made += r >= 0 && outcome == LB_APPLIED;
    return r;
}

/* ---- what a table lacks ---- */

typedef struct lacking {
    const char **schema, **table; /* roles without the right */
    size_t schema_count, table_count, sequence_count, policies, due;
    bool guard, operators;
    const char *in_the_way; /* a policy of our name that is another kind of policy */
} lacking;

static const rls_rights_row *find_right(const rls_work *w, int64_t table_id, const char *role)
{
    const rls_rights_row *rights = w->rights.items;
    for (size_t i = 0; i < w->rights.count; i++)
        if (rights[i].table_id == table_id && strcmp(rights[i].role, role) == 0)
            return &rights[i];
    return NULL;
}

static void look_at_rights(const rls_work *w, const rls_tables_row *t, rls_tenant *tenant, lacking *l)
{
    const rls_rights_row *right = find_right(w, t->id, tenant->role);
    if (!right || !right->uses_schema)
        l->schema[l->schema_count++] = tenant->role;
    bool lacks = !right || !right->reads || (w->writes && !right->writes);
    if (lacks)
        l->table[l->table_count++] = tenant->role;
    tenant->is_due = tenant->is_due || lacks || !right->uses_schema;
}

static void look_at_policy(const rls_work *w, const rls_tables_row *t, const char *name, const rls_tenant *tenant,
                           lacking *l, bool *ret_lacks)
{
    const rls_policies_row *policy = rls_policy_find(w, t->id, name);
    *ret_lacks = !policy || !rls_policy_fits(policy, tenant);
    l->policies += *ret_lacks;
    if (policy && (!policy->is_permissive || strcmp(policy->command, "*") != 0))
        l->in_the_way = policy->name;
}

/* Whoever may act as another tenant has what that one has. */
static void find_due(const rls_work *w, lacking *l)
{
    bool all = l->guard || l->operators || strcmp(w->wish->prove, "always") == 0;
    for (size_t i = 0; i < w->tenant_count; i++) {
        w->tenants[i].is_due = w->tenants[i].is_due || all;
        l->due += w->tenants[i].is_due;
    }
    for (size_t i = 0; l->due && i < w->tenant_count; i++)
        w->tenants[i].is_due = w->tenants[i].is_due || w->tenants[i].reaches;
}

static int look(const rls_work *w, const rls_tables_row *t, lacking *l, lb_error *err)
{
    const size_t bytes = (w->tenant_count + 1) * sizeof(const char *);
    *l = (lacking){
        .schema = lb_alloc(w->ctx, bytes), .table = lb_alloc(w->ctx, bytes), .guard = !t->enabled || !t->forced};
    if (!l->schema || !l->table)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < w->tenant_count; i++) {
        look_at_policy(w, t, w->tenants[i].role, &w->tenants[i], l, &w->tenants[i].is_due);
        look_at_rights(w, t, &w->tenants[i], l);
    }
    if (w->wish->operators.count)
        look_at_policy(w, t, RLS_OPERATORS, NULL, l, &l->operators);
    find_due(w, l);
    const rls_sequences_row *sequences = w->sequences.items;
    for (size_t i = 0; i < w->sequences.count; i++)
        l->sequence_count += sequences[i].table_id == t->id;
    return 0;
}

static bool lacks_anything(const lacking *l)
{
    return l->policies || l->guard || l->schema_count || l->table_count || l->sequence_count;
}

/* ---- what is done about it ---- */

static int put_policy(rls_work *w, lb_group *group, const rls_tables_row *t, const rls_tenant *tenant, lb_error *err)
{
    const rls_policies_row *policy = rls_policy_find(w, t->id, tenant->role);
    const char *key = w->wish->tenant_column;
    if (policy && rls_policy_fits(policy, tenant))
        return 0;
    w->policies_made++;
    return policy ? rls_alter_policy(w->ctx, group,
                                     &(rls_alter_policy_args){.name = tenant->role,
                                                              .schema = t->schema,
                                                              .table = t->name,
                                                              .role = tenant->role,
                                                              .key = key,
                                                              .tenant = tenant->name},
                                     err)
                  : rls_create_policy(w->ctx, group,
                                      &(rls_create_policy_args){.name = tenant->role,
                                                                .schema = t->schema,
                                                                .table = t->name,
                                                                .role = tenant->role,
                                                                .key = key,
                                                                .tenant = tenant->name},
                                      err);
}

static int put_operators(rls_work *w, lb_group *group, const rls_tables_row *t, lb_error *err)
{
    const bool is_there = rls_policy_find(w, t->id, RLS_OPERATORS) != NULL;
    w->policies_made++;
    return is_there
               ? rls_reopen_policy(
                     w->ctx, group,
                     &(rls_reopen_policy_args){
                         .name = RLS_OPERATORS, .schema = t->schema, .table = t->name, .roles = w->wish->operators},
                     err)
               : rls_open_policy(
                     w->ctx, group,
                     &(rls_open_policy_args){
                         .name = RLS_OPERATORS, .schema = t->schema, .table = t->name, .roles = w->wish->operators},
                     err);
}

/* The rows are in the order of sequences: one statement for all roles that lack the same one. */
static int put_sequences(rls_work *w, lb_group *group, const rls_tables_row *t, lb_error *err)
{
    const rls_sequences_row *rows = w->sequences.items;
    const char **roles = lb_alloc(w->ctx, (w->tenant_count + 1) * sizeof *roles);
    int r = 0;
    if (!roles)
        return lb_out_of_memory(err);
    for (size_t i = 0, end; r >= 0 && i < w->sequences.count; i = end) {
        size_t count = 0;
        for (end = i; end < w->sequences.count && rows[end].table_id == rows[i].table_id &&
                      strcmp(rows[end].schema, rows[i].schema) == 0 && strcmp(rows[end].name, rows[i].name) == 0;
             end++)
            roles[count++] = rows[end].role;
        const rls_use_sequence_args args = {
            .schema = rows[i].schema, .sequence = rows[i].name, .roles = {roles, count}};
        if (rows[i].table_id == t->id)
            r = rls_use_sequence(w->ctx, group, &args, err);
    }
    return r;
}

static int put_rights(rls_work *w, lb_group *group, const rls_tables_row *t, const lacking *l, lb_error *err)
{
    const lb_texts table = {l->table, l->table_count};
    int r = 0;
    if (l->schema_count)
        r = rls_use_schema(w->ctx, group,
                           &(rls_use_schema_args){.schema = t->schema, .roles = {l->schema, l->schema_count}}, err);
    if (r >= 0 && l->table_count && w->writes)
        r = rls_write_table(w->ctx, group,
                            &(rls_write_table_args){.schema = t->schema, .table = t->name, .roles = table}, err);
    else if (r >= 0 && l->table_count)
        r = rls_read_table(w->ctx, group, &(rls_read_table_args){.schema = t->schema, .table = t->name, .roles = table},
                           err);
    if (r >= 0)
        r = put_sequences(w, group, t, err);
    w->grants_made += (int64_t)(l->schema_count + l->table_count + l->sequence_count);
    return r;
}

/* Rights come last but for the trial: before the policies hold there is nothing to be had by them. */
static int fill(rls_work *w, lb_group *group, const rls_tables_row *t, const lacking *l, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < w->tenant_count; i++)
        r = put_policy(w, group, t, &w->tenants[i], err);
    if (r >= 0 && l->operators)
        r = put_operators(w, group, t, err);
    if (r >= 0 && l->guard)
        r = rls_guard(w->ctx, group, &(rls_guard_args){.schema = t->schema, .table = t->name}, err);
    return r < 0 ? r : put_rights(w, group, t, l, err);
}

static int open_group(rls_work *w, const rls_tables_row *t, const lacking *l, lb_group **ret_group, lb_error *err)
{
    bool lacks = lacks_anything(l);
    return lb_group_open(
        w->ctx,
        LB_GROUP(.title = lb_printf(w->ctx, "%s %s.%s", lacks ? "keep the tenants apart in" : "try the tenants in",
                                    t->schema, t->name),
                 .reason = lacks ? "each tenant is to read and write its own rows and no others, and is tried for it"
                                 : "the policies are all there: each tenant is tried whether they hold",
                 .evidence = LB_ARGS(lb_i64("tenants", (int64_t)w->tenant_count),
                                     lb_i64("policies_missing", (int64_t)l->policies),
                                     lb_i64("roles_without_rights", (int64_t)l->table_count),
                                     lb_bool("enabled", t->enabled), lb_bool("forced", t->forced)),
                 .undo = lacks ? "disable row level security on the table, and revoke the rights" : NULL,
                 .atomic = true),
        ret_group, err);
}

static int change_table(rls_work *w, const rls_tables_row *t, const lacking *l, bool tries, lb_outcome *ret_outcome,
                        lb_error *err)
{
    lb_group *group = NULL;
    int r = open_group(w, t, l, &group, err);
    if (r >= 0)
        r = migration_limit_wait(w->ctx, group, &(migration_limit_wait_args){.wait_ms = LOCK_WAIT_MS}, err);
    if (r >= 0)
        r = fill(w, group, t, l, err);
    if (r >= 0 && tries)
        r = rls_try(w,
                    &(rls_trial){.group = group,
                                 .schema = t->schema,
                                 .table = t->name,
                                 .key = w->wish->tenant_column,
                                 .key_type = t->key_type,
                                 .id = t->id},
                    err);
    return r < 0 ? r : lb_apply(w->ctx, group, ret_outcome, err);
}

/* What has failed is taken back whole, with all that was counted of it. */
static int change_in_turns(rls_work *w, const rls_tables_row *t, const lacking *l, bool tries, lb_outcome *ret_outcome,
                           lb_error *err)
{
    const rls_work before = *w;
    uint64_t chance = (uint64_t)lb_now(w->ctx) ^ (uint64_t)(uintptr_t)w;
    for (int64_t count = 1;; count++) {
        int r = change_table(w, t, l, tries, ret_outcome, err);
        if (r < 0 || *ret_outcome != LB_APPLIED) {
            w->policies_made = before.policies_made;
            w->grants_made = before.grants_made;
        }
        if (r >= 0 || !lock_is_others(err))
            return r;
        if (count == LOCK_TRIES || !lock_pause(w->ctx, &chance, count, LOCK_PAUSE_MS)) {
            (void)snprintf(
                err->hint, sizeof err->hint,
                "tried %lld times, %d ms each: end the transaction that holds the table, or come again later",
                (long long)count, LOCK_WAIT_MS); /* short */
            return r;
        }
        lb_log(w->ctx, LB_LOG_INFO, "%s.%s: in vain, as others hold it: %s", t->schema, t->name, err->message);
    }
}

static int guard_table(rls_work *w, const rls_tables_row *t, lb_error *err)
{
    lacking l;
    lb_outcome outcome = LB_REFUSED;
    int r = look(w, t, &l, err);
    if (r >= 0 && l.in_the_way) {
        w->gap = RLS_UNGUARDED;
        return lb_skipped(w->ctx, lb_printf(w->ctx, "%s.%s", t->schema, t->name),
                          lb_printf(w->ctx, "its policy %s is for one command only or restricts: drop it, or rename it",
                                    l.in_the_way),
                          err);
    }
    if (r >= 0)
        r = make_index(w, t, err);
    bool tries = l.due && strcmp(w->wish->prove, "never") != 0;
    bool changes = lacks_anything(&l) || tries;
    if (r >= 0)
        r = rls_tell_nobodys(w, t, changes, err); /* before the policies hide rows from us as well */
    if (r < 0 || !changes)
        return r;
    r = tries ? rls_tell_untried(w, t, err) : 0;
    if (r >= 0)
        r = change_in_turns(w, t, &l, tries, &outcome, err);
    w->waits = w->waits || outcome == LB_WAITING || outcome == LB_REFUSED;
    w->tried += r >= 0 && tries && outcome == LB_APPLIED;
    return r;
}

int rls_guard_tables(rls_work *w, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < w->tables.count; i++) {
        const rls_tables_row *t = rls_table_at(w, i);
        if (lb_cancelled(w->ctx))
            return lb_fail(err, LB_ERR_CANCELLED, NULL, "stopped before %s.%s", t->schema, t->name);
        lb_progress(w->ctx, (int64_t)i, (int64_t)w->tables.count, "tables");
        r = guard_table(w, t, err);
        if (r < 0)
            return lb_wrap(err, lb_printf(w->ctx, "%s.%s", t->schema, t->name));
        r = lb_append(w->ctx, "tables",
                      LB_ARGS(lb_text("schema", t->schema), lb_text("name", t->name), lb_text("owner", t->owner)), err);
    }
    return r;
}
