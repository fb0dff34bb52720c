/* rls.h: tenants kept apart inside one database: what is wanted, what is there, and the way from one to the other.
 *
 * By column: each tenant has a role, and each shared table a policy per role that compares the key with a constant, so
 * that no setting of a session can widen it. By schema: each tenant's role has rights in its own schema and in no
 * other. Either way the change is tried in the transaction that makes it: acting as each tenant, a row of another one
 * must not be readable and must not be writable, and who is no tenant must not read any, or nothing of it stays. */
#ifndef LBOPS_RLS_H
#define LBOPS_RLS_H

#include <lbops/lbops.h>
#include <sql/rls/bystanders.h>
#include <sql/rls/policies.h>
#include <sql/rls/rights.h>
#include <sql/rls/sequences.h>
#include <sql/rls/tables.h>

typedef struct rls_wish {
    const char *isolation, *tenant_column, *role_prefix, *access, *prove;
    lb_texts tenants, roles, tables, schemas, operators, exposed_schemas, cors_origins;
} rls_wish;

typedef struct rls_tenant {
    const char *name, *role;
    const char *quoted, *bare; /* its policy's expression, as the server may write it */
    bool exists, can_act;
    bool reaches; /* it may act as another tenant: what is new for that one is new for it */
    bool is_due;  /* to be tried at the table that is being looked at: something is new for it there */
    bool evades;  /* no policy holds it: a finding, and there is no use in trying it */
} rls_tenant;

typedef struct rls_list {
    void *items;
    size_t count, capacity;
} rls_list;

typedef struct rls_work {
    lb_ctx *ctx;
    const rls_wish *wish;
    const char *me, *database;
    bool is_superuser, writes;
    rls_tenant *tenants;
    size_t tenant_count;
    lb_texts roles;      /* theirs */
    rls_list tables;     /* rls_tables_row */
    lb_i64s table_ids;   /* theirs */
    rls_list policies;   /* rls_policies_row */
    rls_list rights;     /* rls_rights_row */
    rls_list sequences;  /* rls_sequences_row: what is lacking */
    rls_list bystanders; /* rls_bystanders_row: who is to see nothing, of each table */
    int64_t policies_made, roles_made, grants_made, indexes_made, tried;
    bool waits;      /* some of it is for a person to decide */
    const char *gap; /* what is known to leave tenants together; NULL: nothing */
} rls_work;

#define RLS_OPERATORS "lbops_operators" /* the policy of those who work for all tenants */
#define RLS_UNGUARDED "a table is not guarded: see what was skipped, and run this again when it is mended" /* a gap */

static inline rls_tables_row *rls_table_at(const rls_work *w, size_t i)
{
    return (rls_tables_row *)w->tables.items + i;
}

/* ---- rls_read.c: what is there; nothing is changed and nothing told but what is skipped ---- */

/* A place for one more. NULL: out of memory. */
void *rls_list_add(lb_ctx *ctx, rls_list *list, size_t bytes);
LB_MUST_CHECK int rls_check(lb_ctx *ctx, const rls_wish *wish, lb_error *err);
LB_MUST_CHECK int rls_read(rls_work *w, lb_error *err);

/* ---- rls_table.c, rls_schema.c: what is missing ---- */

LB_MUST_CHECK int rls_make_roles(rls_work *w, lb_error *err);
LB_MUST_CHECK int rls_guard_tables(rls_work *w, lb_error *err);
LB_MUST_CHECK int rls_part_schemas(rls_work *w, lb_error *err);

/* ---- rls_try.c: tenants tried, inside of a group ---- */

typedef struct rls_trial {
    lb_group *group;
    const char *schema, *table; /* whose rows; NULL: there are none to be had */
    const char *key, *key_type; /* what tells tenants apart in it */
    int64_t id;                 /* of the table, whose bystanders are tried too; 0: there are none */
    const rls_tenant *only;     /* by schema: who is tried, at what is another one's. NULL: all that are due */
} rls_trial;

/* Adds what acts as these tenants in turn and fails the group where one gets at what is not its own. */
LB_MUST_CHECK int rls_try(rls_work *w, const rls_trial *trial, lb_error *err);

/* Whom it leaves out: tenants for UPDATE and DELETE, and bystanders. */
LB_MUST_CHECK int rls_tell_untried(rls_work *w, const rls_tables_row *t, lb_error *err);

/* ---- rls_tell.c: findings ---- */

LB_MUST_CHECK int rls_tell_roles(rls_work *w, lb_error *err);
LB_MUST_CHECK int rls_tell_tables(rls_work *w, lb_error *err);
/* Rows that have no tenant, as far as we see them; where we do not, that is said if it is asked for. */
LB_MUST_CHECK int rls_tell_nobodys(rls_work *w, const rls_tables_row *t, bool is_asked, lb_error *err);
LB_MUST_CHECK int rls_tell_open_schema(rls_work *w, const char *schema, lb_error *err);
/* Is it one of ours, as it should be? tenant NULL: the operators' one. */
bool rls_policy_fits(const rls_policies_row *policy, const rls_tenant *tenant);
const rls_policies_row *rls_policy_find(const rls_work *w, int64_t table_id, const char *name);

/* ---- rls_api.c: the Data API ---- */

LB_MUST_CHECK int rls_expose(rls_work *w, lb_error *err);

#endif
