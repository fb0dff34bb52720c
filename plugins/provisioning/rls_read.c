/* What is there: tables, policies, roles and rights. */
#include "rls.h"

#include <sql/rls/me.h>
#include <sql/rls/roles.h>
#include <sql/rls/sequences.h>
#include <sql/rls/wants.h>

#define NAME_BYTES 63 /* the longest name of the server's */

void *rls_list_add(lb_ctx *ctx, rls_list *list, size_t bytes)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 16;
        char *grown = lb_alloc(ctx, capacity * bytes);
        if (!grown)
            return NULL;
        if (list->count)
            memcpy(grown, list->items, list->count * bytes);
        list->items = grown;
        list->capacity = capacity;
    }
    return (char *)list->items + list->count++ * bytes;
}

/* ---- what is asked for ---- */

static int check_name(const char *what, const char *name, lb_error *err)
{
    if (!*name)
        return lb_fail(err, LB_ERR_INVALID, "leave it out, or give it a name", "%s has an empty name in it", what);
    if (strlen(name) > NAME_BYTES)
        return lb_fail(err, LB_ERR_INVALID, "names of the server have at most 63 bytes", "%s: %.80s... is too long",
                       what, name);
    return 0;
}

static int check_unlike(const char *what, const lb_texts *names, lb_error *err)
{
    for (size_t i = 0; i < names->count; i++) {
        if (check_name(what, names->items[i], err) < 0)
            return err->code;
        for (size_t k = 0; k < i; k++)
            if (strcmp(names->items[i], names->items[k]) == 0)
                return lb_fail(err, LB_ERR_INVALID, "name each once", "%s has %.63s twice", what, names->items[i]);
    }
    return 0;
}

int rls_check(lb_ctx *ctx, const rls_wish *wish, lb_error *err)
{
    if (check_unlike("--tenants", &wish->tenants, err) < 0 || check_unlike("--roles", &wish->roles, err) < 0 ||
        check_unlike("--operators", &wish->operators, err) < 0 ||
        check_name("--tenant_column", wish->tenant_column, err) < 0)
        return err->code;
    if (wish->roles.count && wish->roles.count != wish->tenants.count)
        return lb_fail(err, LB_ERR_INVALID, "give as many roles as tenants, in the same order",
                       "%zu role(s) for %zu tenant(s)", wish->roles.count, wish->tenants.count);
    for (size_t i = 0; !wish->roles.count && i < wish->tenants.count; i++) {
        const char *role = lb_printf(ctx, "%s%s", wish->role_prefix, wish->tenants.items[i]);
        if (!role)
            return lb_out_of_memory(err);
        if (check_name("the role of a tenant", role, err) < 0)
            return err->code;
        if (strncmp(role, "pg_", 3) == 0)
            return lb_fail(err, LB_ERR_INVALID, "give another --role_prefix",
                           "%s: names that begin with pg_ are the server's own", role);
    }
    return 0;
}

/* ---- tenants ---- */

static rls_tenant *find_tenant(const rls_work *w, const char *role)
{
    for (size_t i = 0; i < w->tenant_count; i++)
        if (strcmp(w->tenants[i].role, role) == 0)
            return &w->tenants[i];
    return NULL;
}

static int read_tenants(rls_work *w, lb_error *err)
{
    const rls_wish *wish = w->wish;
    const rls_wants_args wanted = {.key = wish->tenant_column, .tenants = wish->tenants};
    rls_wants_row row;
    lb_rows *rows = NULL;
    w->tenants = lb_alloc(w->ctx, (wish->tenants.count + 1) * sizeof *w->tenants);
    if (!w->tenants)
        return lb_out_of_memory(err);
    int r = rls_wants(w->ctx, &wanted, &rows, err);
    while (r >= 0 && w->tenant_count < wish->tenants.count && rls_wants_next(w->ctx, rows, &row)) {
        size_t i = w->tenant_count++;
        const char *name = wish->tenants.items[i];
        w->tenants[i] = (rls_tenant){.name = name,
                                     .role = wish->roles.count ? wish->roles.items[i]
                                                               : lb_printf(w->ctx, "%s%s", wish->role_prefix, name),
                                     .quoted = row.quoted,
                                     .bare = row.bare};
        if (!w->tenants[i].role)
            return lb_out_of_memory(err);
    }
    return r;
}

static lb_texts roles_of(const rls_work *w, const char **items)
{
    for (size_t i = 0; i < w->tenant_count; i++)
        items[i] = w->tenants[i].role;
    return (lb_texts){items, w->tenant_count};
}

static int read_roles(rls_work *w, lb_error *err)
{
    const rls_roles_args wanted = {.roles = w->roles, .owners = {NULL, 0}};
    rls_roles_row row;
    lb_rows *rows = NULL;
    int r = rls_roles(w->ctx, &wanted, &rows, err);
    while (r >= 0 && rls_roles_next(w->ctx, rows, &row)) {
        rls_tenant *tenant = find_tenant(w, row.name);
        if (!tenant)
            continue;
        tenant->exists = true;
        tenant->can_act = row.can_act;
        tenant->evades = row.is_superuser || row.bypasses;
        tenant->reaches = row.reaches != NULL;
    }
    return r;
}

static int check_operators(rls_work *w, lb_error *err)
{
    const rls_roles_args wanted = {.roles = w->wish->operators, .owners = {NULL, 0}};
    lb_rows *rows = NULL;
    int r = w->wish->operators.count ? rls_roles(w->ctx, &wanted, &rows, err) : 0;
    if (r >= 0 && rows && (size_t)lb_row_count(w->ctx, rows) < w->wish->operators.count)
        return lb_fail(err, LB_ERR_NOT_FOUND, "operators are roles that exist: make them first, or leave them out",
                       "of the %zu operators only %lld are roles here", w->wish->operators.count,
                       (long long)lb_row_count(w->ctx, rows));
    return r;
}

/* ---- tables ---- */

/* NULL: it can be guarded. */
static const char *why_not(const rls_tables_row *t)
{
    if (strcmp(t->kind, "v") == 0 || strcmp(t->kind, "m") == 0)
        return "it is a view: guard the tables below it";
    if (strcmp(t->kind, "f") == 0)
        return "it is a foreign table: its rows are guarded where they lie";
    if (strcmp(t->kind, "r") != 0 && strcmp(t->kind, "p") != 0)
        return "it is no table";
    if (strcmp(t->persistence, "t") == 0)
        return "it is temporary: only its own session sees it";
    return t->key_type ? NULL : "it has no such column to tell tenants apart";
}

static int take_table(rls_work *w, const rls_tables_row *row, lb_error *err)
{
    if (!row->id || row->id_is_null)
        return lb_fail(err, LB_ERR_NOT_FOUND, "name it as schema.table, with quotes where SQL needs them",
                       "there is no table %s", row->asked);
    const char *why = why_not(row);
    if (why) {
        w->gap = RLS_UNGUARDED;
        return lb_skipped(w->ctx, lb_printf(w->ctx, "%s.%s", row->schema, row->name), why, err);
    }
    rls_tables_row *kept = rls_list_add(w->ctx, &w->tables, sizeof *kept);
    if (!kept)
        return lb_out_of_memory(err);
    *kept = *row;
    return 0;
}

static int read_tables(rls_work *w, lb_error *err)
{
    const rls_tables_args wanted = {
        .tables = w->wish->tables, .schemas = w->wish->schemas, .key_name = w->wish->tenant_column};
    rls_tables_row row;
    lb_rows *rows = NULL;
    int r = rls_tables(w->ctx, &wanted, &rows, err);
    while (r >= 0 && rls_tables_next(w->ctx, rows, &row))
        r = take_table(w, &row, err);
    return r;
}

/* The rows of an answer, kept: NAME is the statement. */
#define KEEP_ROWS(NAME, list)                                                                                          \
    do {                                                                                                               \
        NAME##_row row, *kept;                                                                                         \
        while (r >= 0 && NAME##_next(w->ctx, rows, &row)) {                                                            \
            if (!(kept = rls_list_add(w->ctx, (list), sizeof *kept)))                                                  \
                return lb_out_of_memory(err);                                                                          \
            *kept = row;                                                                                               \
        }                                                                                                              \
    } while (0)

static int read_guards(rls_work *w, lb_error *err)
{
    int64_t *ids = lb_alloc(w->ctx, (w->tables.count + 1) * sizeof *ids);
    lb_rows *rows = NULL;
    if (!ids)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < w->tables.count; i++)
        ids[i] = rls_table_at(w, i)->id;
    w->table_ids = (lb_i64s){ids, w->tables.count};
    const rls_policies_args of_policies = {.tables = w->table_ids, .roles = w->roles, .operators = w->wish->operators};
    int r = rls_policies(w->ctx, &of_policies, &rows, err);
    KEEP_ROWS(rls_policies, &w->policies);
    if (r >= 0)
        r = rls_rights(w->ctx, &(rls_rights_args){.tables = w->table_ids, .roles = w->roles}, &rows, err);
    KEEP_ROWS(rls_rights, &w->rights);
    if (r >= 0 && w->writes)
        r = rls_sequences(w->ctx, &(rls_sequences_args){.tables = w->table_ids, .roles = w->roles}, &rows, err);
    if (w->writes)
        KEEP_ROWS(rls_sequences, &w->sequences);
    const rls_bystanders_args of_others = {.tables = w->table_ids, .roles = w->roles, .operators = w->wish->operators};
    if (r >= 0)
        r = rls_bystanders(w->ctx, &of_others, &rows, err);
    KEEP_ROWS(rls_bystanders, &w->bystanders);
    return r;
}

static int read_me(rls_work *w, lb_error *err)
{
    rls_me_row row;
    lb_rows *rows = NULL;
    int r = rls_me(w->ctx, &rows, err);
    if (r < 0)
        return r;
    if (!rls_me_next(w->ctx, rows, &row))
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "the server does not say who we are");
    w->me = row.role;
    w->database = row.database;
    w->is_superuser = row.is_superuser;
    return 0;
}

int rls_read(rls_work *w, lb_error *err)
{
    const char **items = lb_alloc(w->ctx, (w->wish->tenants.count + 1) * sizeof *items);
    if (!items)
        return lb_out_of_memory(err);
    int r = read_me(w, err);
    if (r >= 0)
        r = read_tenants(w, err);
    if (r >= 0) {
        w->roles = roles_of(w, items);
        r = read_roles(w, err);
    }
    if (r >= 0)
        r = check_operators(w, err);
    if (r >= 0 && strcmp(w->wish->isolation, "column") == 0) {
        r = read_tables(w, err);
        if (r >= 0)
            r = read_guards(w, err);
    }
    return r < 0 ? lb_wrap(err, "row security") : 0;
}
