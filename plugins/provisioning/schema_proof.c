/* schema_proof.c: what is the same by another name. Branches of one database share its OIDs and column numbers; but
 * what was made on both sides since they parted may have the same ones by chance, and often the same shape: two people
 * each add one column. So it counts as the same where it was there before a transaction that both sides have, or where
 * people have said so. A transaction is the same one when its number and its time are. */
#include "schema_kinds.h"

#include <stdlib.h>

static bool is_one_database(const schema_model *a, const schema_model *b)
{
    return a->system && b->system && strcmp(a->system, b->system) == 0 && a->database_oid &&
           a->database_oid == b->database_oid;
}

/* ---- when the two parted ---- */

static int compare_commits(const void *a, const void *b)
{
    const schema_commit *x = a, *y = b;
    return x->xid != y->xid ? (x->xid > y->xid ? 1 : -1) : (x->at > y->at) - (x->at < y->at);
}

static void sort_commits(schema_model *m)
{
    if (m->commit_count)
        qsort(m->commits, m->commit_count, sizeof *m->commits, compare_commits);
}

/* The last transaction that both are known to have; 0: none is. */
static int64_t find_last_shared(schema_model *a, schema_model *b)
{
    sort_commits(a);
    sort_commits(b);
    uint32_t i = a->commit_count, k = b->commit_count;
    while (i && k) {
        int order = compare_commits(&a->commits[i - 1], &b->commits[k - 1]);
        if (!order)
            return a->commits[i - 1].xid;
        if (order > 0)
            i--;
        else
            k--;
    }
    return 0;
}

/* ---- the proof ---- */

typedef struct search {
    schema_diff *d;
    int64_t shared; /* the last transaction of both; INT64_MAX: both are one branch */
} search;

static bool was_there(const search *s, const schema_object *o)
{
    const char *since = schema_get(o, "since");
    int64_t xid = since ? strtoll(since, NULL, 10) : 0;
    return s->shared == INT64_MAX || (xid > 0 && xid <= s->shared);
}

/* What a table has of the transaction that made it never changes, so both sides still have it. A column has that of its
 * last change: one side has left it alone, and has it from before they parted. */
static bool is_same(const search *s, const schema_object *from, const schema_object *to)
{
    if (schema_is_kind(from, "column"))
        return was_there(s, from) || was_there(s, to);
    return was_there(s, from) && was_there(s, to);
}

/* ---- whether a RENAME leads there ---- */

/* Something else has to go before the name is free. */
static bool is_taken(const schema_model *m, const char *identity)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (strcmp(schema_identity(&m->objects[i]), identity) == 0)
            return true;
    return false;
}

static bool has_column(const schema_model *m, uint32_t table, const char *name)
{
    for (uint32_t i = m->part_from[table]; i < m->part_from[table + 1]; i++) {
        const schema_object *o = &m->objects[m->parts[i]];
        if (schema_is_kind(o, "column") && o->name && strcmp(o->name, name) == 0)
            return true;
    }
    return false;
}

static bool can_rename(const schema_diff *d, const schema_object *from, const schema_object *to)
{
    if (from->kind != to->kind || from->twin != SCHEMA_NONE || to->twin != SCHEMA_NONE || !from->name || !to->name ||
        strcmp(from->name, to->name) == 0)
        return false;
    if (schema_is_kind(from, "column"))
        return from->up != SCHEMA_NONE && to->up != SCHEMA_NONE && d->from->objects[from->up].twin == to->up &&
               !has_column(d->from, from->up, to->name);
    return schema_is_kind(from, "table") && from->schema && to->schema && strcmp(from->schema, to->schema) == 0 &&
           !is_taken(d->from, schema_identity(to));
}

static int add_rename(schema_diff *d, uint32_t from, uint32_t to, lb_error *err)
{
    if (schema_grow(d->ctx, (void **)&d->renames, d->rename_count, &d->rename_capacity, sizeof *d->renames, err) < 0)
        return err->code;
    d->renames[d->rename_count++] = (schema_rename){.was = d->from->objects[from], .from = from, .to = to};
    d->from->objects[from].twin = to; /* so that its columns find each other */
    d->to->objects[to].twin = from;
    return 0;
}

static int find_proven(const search *s, const char *kind, lb_error *err)
{
    schema_diff *d = s->d;
    int r = 0;
    for (uint32_t i = 0; i < d->from->count && r >= 0; i++) {
        const schema_object *gone = &d->from->objects[i];
        bool is_gone = gone->twin == SCHEMA_NONE && schema_is_kind(gone, kind) && schema_is_kind_wanted(d, gone);
        uint32_t at = is_gone ? schema_find_key(d->to, gone->key) : SCHEMA_NONE;
        if (at != SCHEMA_NONE && is_same(s, gone, &d->to->objects[at]) && can_rename(d, gone, &d->to->objects[at]))
            r = add_rename(d, i, at, err);
    }
    return r;
}

/* ---- what people have said ---- */

static uint32_t find_named(const schema_model *m, const char *kind, const char *name, size_t length)
{
    for (uint32_t i = 0; i < m->count; i++) {
        const char *identity = schema_identity(&m->objects[i]);
        if (schema_is_kind(&m->objects[i], kind) && strlen(identity) == length && memcmp(identity, name, length) == 0)
            return i;
    }
    return SCHEMA_NONE;
}

static const char *find_sign(const char *pair)
{
    bool in_quotes = false;
    for (const char *p = pair; *p; p++) {
        in_quotes = in_quotes != (*p == '"');
        if (*p == '=' && !in_quotes)
            return p;
    }
    return NULL;
}

/* 1: it is one of this kind, 0: it may be one of another. */
static int take_said(schema_diff *d, const char *pair, const char *kind, lb_error *err)
{
    const char *sign = find_sign(pair);
    if (!sign)
        return lb_fail(err, LB_ERR_INVALID, "BEFORE=AFTER, as in public.t.mail=public.t.email",
                       "'%.120s' does not say what was renamed to what", pair);
    uint32_t from = find_named(d->from, kind, pair, (size_t)(sign - pair));
    uint32_t to = find_named(d->to, kind, sign + 1, strlen(sign + 1));
    if (from == SCHEMA_NONE || to == SCHEMA_NONE)
        return 0;
    const schema_object *was = &d->from->objects[from], *is = &d->to->objects[to];
    if (was->twin == to && was->name && is->name && strcmp(was->name, is->name) != 0) /* it is known already */
        return 1;
    if (!can_rename(d, was, is))
        return lb_fail(
            err, LB_ERR_INVALID,
            "the first is only in the schema to start from, the second only in the one to arrive at, both in "
            "the same schema or table",
            "'%.120s' is nothing that a RENAME does", pair);
    int r = add_rename(d, from, to, err);
    return r < 0 ? r : 1;
}

static int take_all_said(schema_diff *d, const char *kind, bool is_last, lb_error *err)
{
    const lb_texts *said = d->to->filter ? d->to->filter->renamed : NULL;
    for (size_t i = 0; said && i < said->count; i++) {
        int r = take_said(d, said->items[i], kind, err);
        if (r == 0 && is_last && take_said(d, said->items[i], "table", err) == 0)
            return lb_fail(err, LB_ERR_INVALID,
                           "name both as the comparison does without this parameter: the one that goes, and the one "
                           "that comes",
                           "'%.120s': there are no such tables or columns on the two sides", said->items[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- all of it ---- */

int schema_find_renames(schema_diff *d, lb_error *err)
{
    bool is_one_branch = d->to->filter && d->to->filter->one_branch;
    search s = {.d = d, .shared = is_one_branch ? INT64_MAX : find_last_shared(d->from, d->to)};
    bool can_prove = is_one_database(d->from, d->to) && s.shared;
    int r = take_all_said(d, "table", false, err);
    if (r >= 0 && can_prove)
        r = find_proven(&s, "table", err);
    if (r >= 0)
        r = take_all_said(d, "column", true, err);
    return r < 0 || !can_prove ? r : find_proven(&s, "column", err);
}
