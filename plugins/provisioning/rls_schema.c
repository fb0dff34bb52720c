/* Tenants by schema: each has one, its role has rights there and in no other tenant's. */
#include "rls.h"

#include <sql/rls/make_schema.h>
#include <sql/rls/read_all.h>
#include <sql/rls/read_coming.h>
#include <sql/rls/schemas.h>
#include <sql/rls/use_all_sequences.h>
#include <sql/rls/use_coming_sequences.h>
#include <sql/rls/use_schema.h>
#include <sql/rls/write_all.h>
#include <sql/rls/write_coming.h>

static bool lacks_anything(const rls_schemas_row *s)
{
    return !s->is_there || !s->uses || s->tables_lacking || s->sequences_lacking || !s->tables_to_come ||
           !s->sequences_to_come;
}

static int put_tables(rls_work *w, lb_group *group, const rls_schemas_row *s, lb_error *err)
{
    w->grants_made++;
    return w->writes ? rls_write_all(w->ctx, group, &(rls_write_all_args){.schema = s->schema, .role = s->role}, err)
                     : rls_read_all(w->ctx, group, &(rls_read_all_args){.schema = s->schema, .role = s->role}, err);
}

static int put_coming(rls_work *w, lb_group *group, const rls_schemas_row *s, lb_error *err)
{
    w->grants_made++;
    return w->writes
               ? rls_write_coming(w->ctx, group, &(rls_write_coming_args){.schema = s->schema, .role = s->role}, err)
               : rls_read_coming(w->ctx, group, &(rls_read_coming_args){.schema = s->schema, .role = s->role}, err);
}

static int fill(rls_work *w, lb_group *group, const rls_schemas_row *s, lb_error *err)
{
    int r = 0;
    if (!s->is_there)
        r = rls_make_schema(w->ctx, group, &(rls_make_schema_args){.schema = s->schema}, err);
    if (r >= 0 && !s->uses) {
        r = rls_use_schema(w->ctx, group, &(rls_use_schema_args){.schema = s->schema, .roles = {&s->role, 1}}, err);
        w->grants_made++;
    }
    if (r >= 0 && s->tables_lacking)
        r = put_tables(w, group, s, err);
    if (r >= 0 && s->sequences_lacking)
        r = rls_use_all_sequences(w->ctx, group, &(rls_use_all_sequences_args){.schema = s->schema, .role = s->role},
                                  err);
    if (r >= 0 && !s->tables_to_come)
        r = put_coming(w, group, s, err);
    if (r >= 0 && !s->sequences_to_come)
        r = rls_use_coming_sequences(w->ctx, group,
                                     &(rls_use_coming_sequences_args){.schema = s->schema, .role = s->role}, err);
    return r;
}

/* Another tenant's schema that has a table to try. */
static const rls_schemas_row *find_other(const rls_list *schemas, size_t own)
{
    const rls_schemas_row *rows = schemas->items;
    for (size_t i = 1; i < schemas->count; i++)
        if (rows[(own + i) % schemas->count].sample)
            return &rows[(own + i) % schemas->count];
    return NULL;
}

static int part(rls_work *w, const rls_list *schemas, size_t i, lb_error *err)
{
    const rls_schemas_row *s = (const rls_schemas_row *)schemas->items + i, *other = find_other(schemas, i);
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    const int64_t granted = w->grants_made;
    bool lacks = lacks_anything(s);
    bool tries = strcmp(w->wish->prove, "always") == 0 || (lacks && strcmp(w->wish->prove, "never") != 0);
    if (!lacks && !tries)
        return 0;
    int r = lb_group_open(
        w->ctx,
        LB_GROUP(.title = lb_printf(w->ctx, "%s schema %s", lacks ? "give its tenant" : "try the tenant of", s->schema),
                 .reason = "a tenant is to use its own schema and no other one's, and is tried for it",
                 .evidence = LB_ARGS(lb_bool("is_there", s->is_there), lb_i64("tables", s->tables),
                                     lb_i64("tables_without_rights", s->tables_lacking)),
                 .undo = lacks ? "revoke the rights; drop the schema while it is empty" : NULL, .atomic = true),
        &group, err);
    if (r >= 0)
        r = fill(w, group, s, err);
    if (r >= 0 && tries)
        r = rls_try(w,
                    &(rls_trial){.group = group,
                                 .schema = other ? other->schema : NULL,
                                 .table = other ? other->sample : NULL,
                                 .only = &w->tenants[i]},
                    err);
    if (r >= 0)
        r = lb_apply(w->ctx, group, &outcome, err);
    w->waits = w->waits || outcome == LB_WAITING || outcome == LB_REFUSED;
    w->tried += r >= 0 && tries && outcome == LB_APPLIED;
    if (r < 0 || outcome != LB_APPLIED) /* nothing of it stands */
        w->grants_made = granted;
    return r;
}

int rls_part_schemas(rls_work *w, lb_error *err)
{
    const rls_schemas_args wanted = {.schemas = w->wish->tenants, .roles = w->roles, .writes = w->writes};
    rls_schemas_row row, *kept;
    rls_list schemas = {NULL, 0, 0};
    lb_rows *rows = NULL;
    int r = rls_schemas(w->ctx, &wanted, &rows, err);
    while (r >= 0 && rls_schemas_next(w->ctx, rows, &row)) {
        if (!(kept = rls_list_add(w->ctx, &schemas, sizeof *kept)))
            return lb_out_of_memory(err);
        *kept = row;
        if (row.is_public)
            r = rls_tell_open_schema(w, row.schema, err);
    }
    for (size_t i = 0; r >= 0 && i < schemas.count && i < w->tenant_count; i++) {
        r = part(w, &schemas, i, err);
        if (r < 0)
            return lb_wrap(err, ((const rls_schemas_row *)schemas.items)[i].schema);
    }
    return r < 0 ? r : lb_examined(w->ctx, "schemas", (int64_t)schemas.count, err);
}
