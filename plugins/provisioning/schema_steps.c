/* schema_steps.c: the statements that lead from one schema to the other, in their order: what is in the way goes, what
 * is wanted comes, what is left over goes. */
#include "schema_kinds.h"

#include <sql/schema/add_column_with_default.h>
#include <sql/schema/as_printed.h>
#include <sql/schema/begin_script.h>
#include <sql/schema/drop_aside.h>
#include <sql/schema/drop_column.h>
#include <sql/schema/drop_default.h>
#include <sql/schema/drop_object.h>
#include <sql/schema/park_column.h>
#include <sql/schema/rename_aside.h>
#include <sql/schema/rename_column.h>
#include <sql/schema/rename_table.h>
#include <sql/schema/replace_view.h>
#include <sql/schema/set_default.h>
#include <sql/schema/set_identity.h>
#include <sql/schema/set_type_again.h>
#include <sql/schema/trust_bodies.h>
#include <sql/schema/validate_constraint.h>

int schema_step_add(schema_diff *d, const schema_step *step, lb_error *err)
{
    if (schema_grow(d->ctx, (void **)&d->steps, d->step_count, &d->step_capacity, sizeof *d->steps, err) < 0)
        return err->code;
    d->steps[d->step_count++] = *step;
    return 0;
}

static const schema_object *up_of(const schema_model *m, const schema_object *o)
{
    return o->up == SCHEMA_NONE ? NULL : &m->objects[o->up];
}

/* The table or view that an object belongs to, or itself. */
static const schema_object *whole_of(const schema_model *m, const schema_object *o)
{
    for (int depth = 0; o->up != SCHEMA_NONE && depth < 8; depth++) /* a snapshot may say anything */
        o = &m->objects[o->up];
    return o;
}

static bool is_online(const schema_diff *d)
{
    return d->to->filter && d->to->filter->online;
}

/* ---- what goes ---- */

static bool is_going(const schema_object *o)
{
    return o->twin == SCHEMA_NONE || (o->marks & SCHEMA_EARLY);
}

bool schema_is_implied(const schema_model *m, const schema_object *o)
{
    const schema_object *up = up_of(m, o);
    return up && is_going(up) && !(o->kind->traits & KIND_STAYS);
}

static bool is_whole_early(const schema_model *m, const schema_object *o)
{
    const schema_object *up = up_of(m, o);
    return up && (up->marks & SCHEMA_EARLY) && !(o->kind->traits & KIND_STAYS);
}

/* What a column or label has from elsewhere goes there: with the parent's column, with the type. */
static bool is_dropped_elsewhere(const schema_model *m, const schema_object *o)
{
    const schema_object *up = up_of(m, o);
    return schema_is_kind(o, "enum_label") || schema_is_kind(o, "view_column") ||
           (schema_get(o, "inherited_only") && up && (up->marks & SCHEMA_ATTACHED));
}

static int add_drop(schema_diff *d, const schema_object *o, enum schema_phase phase, lb_error *err)
{
    schema_step step = {.statement = &schema_drop_object_sql,
                        .object = o,
                        .model = d->from,
                        .lock = o->kind->drop_lock,
                        .risk = o->kind->drop_risk,
                        .phase = phase};
    if (o->kind->traits & KIND_LISTED)
        return schema_note_add(d, o->address, "is no longer wanted; objects of its kind are dropped by hand", err);
    if (schema_is_kind(o, "column")) {
        step.statement = &schema_drop_column_sql;
    } else if (is_online(d) && schema_get(o, "drop_online")) {
        step.statement = &schema_as_printed_sql;
        step.attr = "drop_online";
        step.lock = "SHARE UPDATE EXCLUSIVE";
    } else if (schema_get(o, "drop")) {
        step.statement = &schema_as_printed_sql;
        step.attr = "drop";
    }
    return is_dropped_elsewhere(d->from, o) ? 0 : schema_step_add(d, &step, err);
}

static int add_undefault(schema_diff *d, const schema_object *o, lb_error *err)
{
    if (!(o->marks & SCHEMA_UNDEFAULT) || (o->marks & SCHEMA_EARLY) || is_whole_early(d->from, o))
        return 0;
    return schema_step_add(d,
                           &(schema_step){.statement = &schema_drop_default_sql,
                                          .object = o,
                                          .model = d->from,
                                          .lock = "ACCESS EXCLUSIVE",
                                          .phase = SCHEMA_CLEAR},
                           err);
}

/* A type that cannot move aside leaves its columns as texts in the meantime. */
static int park_column(schema_diff *d, const schema_object *o, lb_error *err)
{
    return schema_step_add(d,
                           &(schema_step){.statement = &schema_park_column_sql,
                                          .object = o,
                                          .model = d->from,
                                          .lock = "ACCESS EXCLUSIVE",
                                          .risk = "rewrite",
                                          .phase = SCHEMA_CLEAR},
                           err);
}

static int clear_object(schema_diff *d, const schema_object *o, lb_error *err)
{
    if (o->marks & SCHEMA_ASIDE)
        return schema_step_add(
            d,
            &(schema_step){.statement = &schema_rename_aside_sql, .object = o, .model = d->from, .phase = SCHEMA_CLEAR},
            err);
    int r = add_undefault(d, o, err);
    if (r >= 0 && (o->marks & SCHEMA_PARK) && !(o->marks & SCHEMA_EARLY) && !is_whole_early(d->from, o))
        r = park_column(d, o, err);
    return r < 0 || !(o->marks & SCHEMA_EARLY) || is_whole_early(d->from, o) ? r : add_drop(d, o, SCHEMA_CLEAR, err);
}

/* With what it is a part of, or with the partition that it is an index of. */
bool schema_goes_along(const schema_model *m, const schema_object *o)
{
    const char *partition = schema_get(o, "partition");
    uint32_t at = partition ? schema_find_address(m, schema_kind_find("table"), partition) : SCHEMA_NONE;
    return schema_is_implied(m, o) || (at != SCHEMA_NONE && is_going(&m->objects[at]));
}

static int tidy_object(schema_diff *d, const schema_object *o, bool is_wanted, lb_error *err)
{
    if (o->marks & SCHEMA_ASIDE)
        return schema_step_add(
            d, &(schema_step){.statement = &schema_drop_aside_sql, .object = o, .model = d->from, .phase = SCHEMA_TIDY},
            err);
    if (o->twin != SCHEMA_NONE || (o->marks & SCHEMA_EARLY) || !is_wanted || schema_goes_along(d->from, o))
        return 0;
    return add_drop(d, o, SCHEMA_TIDY, err);
}

/* ---- what comes ---- */

/* The statement that makes the whole holds it already. */
static bool is_made_within(const schema_model *m, const schema_object *o)
{
    const schema_object *up = up_of(m, o);
    if (!up || !(up->marks & SCHEMA_MAKE))
        return schema_is_kind(o, "column") && schema_get(o, "inherited_only") && up && (up->marks & SCHEMA_ATTACHED);
    return schema_get(o, "inline") || schema_is_kind(o, "column") || schema_is_kind(o, "enum_label") ||
           schema_is_kind(o, "attribute") || schema_is_kind(o, "view_column");
}

/* What belongs to a table that is new has nobody who would wait or lose. */
static bool is_new(const schema_model *m, const schema_object *o)
{
    const schema_object *whole = whole_of(m, o);
    return whole != o && (whole->marks & SCHEMA_MAKE) && whole->twin == SCHEMA_NONE;
}

/* The column of the parent that an inherited one comes from, in the wanted schema. */
static const schema_object *parent_column(const schema_diff *d, const schema_object *column)
{
    const schema_model *m = d->to;
    const schema_object *table = up_of(m, column);
    const char *tail = table ? schema_identity(column) + strlen(schema_identity(table)) : NULL;
    for (uint32_t i = tail ? m->part_from[column->up] : 0; tail && i < m->part_from[column->up + 1]; i++) {
        const schema_object *part = &m->objects[m->parts[i]];
        const char *of = schema_is_kind(part, "inheritance") ? strstr(part->address, " OF ") : NULL;
        const char *address = of ? lb_printf(d->ctx, "COLUMN %s%s", of + 4, tail) : NULL;
        uint32_t at = address ? schema_find_address(m, column->kind, address) : SCHEMA_NONE;
        if (at != SCHEMA_NONE)
            return &m->objects[at];
    }
    return NULL;
}

static bool is_same(const char *a, const char *b)
{
    return !a || !b ? a == b : strcmp(a, b) == 0;
}

/* A default is written where its column is made, unless it needs what comes later. */
static bool is_default_within(const schema_diff *d, const schema_object *o)
{
    bool is_child = schema_get(o, "inherited_only") != NULL;
    const schema_object *parent = is_child ? parent_column(d, o) : NULL;
    if (is_child)
        return parent && is_same(schema_get(parent, "default_value"), schema_get(o, "default_value"));
    return schema_is_kind(o, "column") && !(o->marks & SCHEMA_BOUND);
}

static int add_rule_step(schema_diff *d, const schema_object *o, const schema_rule *rule, const lb_statement *statement,
                         lb_error *err)
{
    bool fresh = (o->marks & SCHEMA_MAKE) || is_new(d->to, o);
    return schema_step_add(d,
                           &(schema_step){.statement = statement,
                                          .object = o,
                                          .model = d->to,
                                          .lock = fresh ? NULL : rule->lock,
                                          .risk = fresh ? NULL : rule->risk,
                                          .phase = SCHEMA_BUILD},
                           err);
}

/* What the making statement does not say. */
static int add_after_make(schema_diff *d, const schema_object *o, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; i < schema_rule_count && r >= 0; i++) {
        const schema_rule *rule = &schema_rules[i];
        if (!(rule->when & RULE_AFTER_MAKE) || !schema_rule_is_for(rule, o->kind) || !schema_get(o, rule->attr))
            continue;
        if (strcmp(rule->attr, "default_value") == 0 && is_default_within(d, o))
            continue;
        r = add_rule_step(d, o, rule, rule->set, err);
    }
    return r;
}

static const lb_statement *make_statement(const schema_object *o, const char **ret_attr)
{
    *ret_attr = NULL;
    if (o->kind->make && !schema_is_kind(o, "column") && !schema_get(o, "create"))
        return o->kind->make;
    if (schema_is_kind(o, "column"))
        return schema_get(o, "default_value") && !(o->marks & SCHEMA_BOUND) ? &schema_add_column_with_default_sql
                                                                            : o->kind->make;
    *ret_attr = schema_get(o, "definition") ? "definition" : "create";
    return schema_get(o, *ret_attr) ? &schema_as_printed_sql : NULL;
}

/* Slower, but nobody waits for it: an index beside the writers, a constraint that is checked when it holds already. */
static int add_online(schema_diff *d, schema_step *step, lb_error *err)
{
    bool is_index = schema_is_kind(step->object, "index");
    step->statement = &schema_as_printed_sql;
    step->attr = "online";
    step->lock = is_index ? "SHARE UPDATE EXCLUSIVE" : step->lock;
    step->risk = is_index ? "outside of a transaction; an invalid index is left where it fails" : NULL;
    int r = schema_step_add(d, step, err);
    if (r < 0 || is_index)
        return r;
    return schema_step_add(d,
                           &(schema_step){.statement = &schema_validate_constraint_sql,
                                          .object = step->object,
                                          .model = d->to,
                                          .lock = "SHARE UPDATE EXCLUSIVE",
                                          .risk = "scan",
                                          .phase = SCHEMA_BUILD},
                           err);
}

static int add_make(schema_diff *d, const schema_object *o, lb_error *err)
{
    bool fresh = is_new(d->to, o);
    schema_step step = {.object = o, .model = d->to, .phase = SCHEMA_BUILD};
    if (is_made_within(d->to, o))
        return add_after_make(d, o, err);
    if (o->kind->traits & KIND_LISTED)
        return schema_note_add(d, o->address, "is wanted; objects of its kind are made by hand", err);
    if (schema_get(o, "invalid") && schema_note_add(d, o->address, SCHEMA_INVALID_THERE, err) < 0)
        return err->code;
    if (schema_is_kind(o, "user_mapping") &&
        schema_note_add(d, o->address, "is made without its options, which hold secrets: set them by hand", err) < 0)
        return err->code;
    step.statement = make_statement(o, &step.attr);
    step.lock = fresh ? NULL : o->kind->make_lock;
    step.risk = fresh ? NULL : o->kind->make_risk;
    int r = 0;
    if (is_online(d) && !fresh && schema_get(o, "online"))
        r = add_online(d, &step, err);
    else if (step.statement) /* a view's column comes with the view */
        r = schema_step_add(d, &step, err);
    return r < 0 ? r : add_after_make(d, o, err);
}

/* ---- what changes ---- */

static const schema_change *find_change(const schema_diff *d, const uint32_t *first, uint32_t to, const char *attr)
{
    for (uint32_t i = first[to]; i < d->change_count && d->changes[i].to == to; i++)
        if (d->changes[i].attr && strcmp(d->changes[i].attr, attr) == 0)
            return &d->changes[i];
    return NULL;
}

/* The parent's own change reaches its children. */
static bool comes_from_parent(const schema_diff *d, const uint32_t *first, const schema_object *o,
                              const schema_change *change)
{
    static const char *const always[] = {"type", "collation", "generated", "identity", "identity_options"};
    const schema_object *parent = schema_get(o, "inherited") ? parent_column(d, o) : NULL;
    if (!parent)
        return false;
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
        if (strcmp(change->attr, always[i]) == 0)
            return true;
    const schema_change *theirs = find_change(d, first, (uint32_t)(parent - d->to->objects), change->attr);
    return theirs && is_same(theirs->after, change->after);
}

static const lb_statement *change_statement(const schema_rule *rule, const schema_change *change)
{
    if (strcmp(change->attr, "identity") == 0 && change->before && change->after)
        return &schema_set_identity_sql;
    return schema_rule_statement(rule, change->after != NULL);
}

static int apply_rule(schema_diff *d, const uint32_t *first, uint32_t to, const schema_rule *rule, lb_error *err)
{
    const schema_object *o = &d->to->objects[to];
    const schema_change *change = find_change(d, first, to, rule->attr);
    bool remade_default = strcmp(rule->attr, "default_value") == 0 && o->twin != SCHEMA_NONE &&
                          (d->from->objects[o->twin].marks & SCHEMA_UNDEFAULT);
    if (remade_default)
        return rule->set && schema_get(o, rule->attr) ? add_rule_step(d, o, rule, rule->set, err) : 0;
    if (!change || schema_rule_find(o->kind, change) != rule || comes_from_parent(d, first, o, change))
        return 0;
    if (strcmp(rule->attr, "identity_options") == 0 && (!change->before || !change->after))
        return 0;
    if (strcmp(rule->attr, "collation") == 0 && find_change(d, first, to, "type"))
        return 0; /* the type's statement says it */
    return add_rule_step(d, o, rule, change_statement(rule, change), err);
}

/* A whole text takes the place of another: a view's query, a function. */
static int overwrite(schema_diff *d, const uint32_t *first, uint32_t to, lb_error *err)
{
    const schema_object *o = &d->to->objects[to];
    schema_step step = {.object = o, .model = d->to, .phase = SCHEMA_BUILD};
    if (schema_is_kind(o, "view") && find_change(d, first, to, "body")) {
        step.statement = &schema_replace_view_sql;
        step.lock = "ACCESS EXCLUSIVE";
    } else if (find_change(d, first, to, "definition")) {
        step.statement = &schema_as_printed_sql;
        step.attr = "definition";
        step.lock = o->kind->make_lock;
    }
    return step.statement ? schema_step_add(d, &step, err) : 0;
}

static int alter_object(schema_diff *d, const uint32_t *first, uint32_t to, lb_error *err)
{
    const schema_object *o = &d->to->objects[to];
    int r = 0;
    if (o->kind->traits & KIND_LISTED)
        return first[to] == SCHEMA_NONE
                   ? 0
                   : schema_note_add(d, o->address, "is another one; objects of its kind are changed by hand", err);
    if ((o->marks & SCHEMA_RETYPE) && !(schema_get(o, "inherited") && parent_column(d, o)))
        r = schema_step_add(
            d,
            &(schema_step){.statement = &schema_set_type_again_sql,
                           .object = o,
                           .model = d->to,
                           .lock = "ACCESS EXCLUSIVE",
                           .risk = "rewrites the table, and fails on values that the new type does not have",
                           .phase = SCHEMA_BUILD},
            err);
    if (r >= 0)
        r = overwrite(d, first, to, err);
    for (size_t i = 0; i < schema_rule_count && r >= 0; i++) {
        if ((o->marks & SCHEMA_RETYPE) && strcmp(schema_rules[i].attr, "type") == 0)
            continue;
        if (schema_rule_is_for(&schema_rules[i], o->kind))
            r = apply_rule(d, first, to, &schema_rules[i], err);
    }
    return r;
}

/* ---- all of it ---- */

static int prepare(schema_diff *d, lb_error *err)
{
    int r = schema_step_add(d, &(schema_step){.statement = &schema_begin_script_sql, .phase = SCHEMA_PREPARE}, err);
    return r < 0 ? r
                 : schema_step_add(d, &(schema_step){.statement = &schema_trust_bodies_sql, .phase = SCHEMA_PREPARE},
                                   err);
}

/* Before anything else: what follows knows the new names. */
static int add_renames(schema_diff *d, lb_error *err)
{
    int r = 0;
    for (uint32_t i = 0; i < d->rename_count && r >= 0; i++) {
        const schema_rename *rename = &d->renames[i];
        bool is_table = schema_is_kind(&rename->was, "table");
        if (!rename->is_inherited)
            r = schema_step_add(
                d,
                &(schema_step){.statement = is_table ? &schema_rename_table_sql : &schema_rename_column_sql,
                               .object = &rename->was,
                               .model = d->from,
                               .lock = "ACCESS EXCLUSIVE",
                               .risk = "breaking: whatever still uses the old name fails at once",
                               .phase = SCHEMA_PREPARE},
                err);
    }
    return r;
}

/* Changes stand by the object that they are wanted of; those of none stand first. */
static int find_first_changes(const schema_diff *d, uint32_t **ret_first, bool **ret_gone, lb_error *err)
{
    uint32_t *first = lb_alloc(d->ctx, (d->to->count + 1) * sizeof *first);
    bool *gone = lb_alloc(d->ctx, d->from->count + 1);
    if (!first || !gone)
        return lb_out_of_memory(err);
    for (uint32_t i = 0; i < d->to->count; i++)
        first[i] = SCHEMA_NONE;
    for (uint32_t i = d->change_count; i-- > 0;) {
        if (d->changes[i].to == SCHEMA_NONE)
            gone[d->changes[i].from] = true;
        else
            first[d->changes[i].to] = i;
    }
    *ret_first = first;
    *ret_gone = gone;
    return 0;
}

int schema_plan(schema_diff *d, lb_error *err)
{
    uint32_t *first = NULL;
    bool *gone = NULL;
    int r = find_first_changes(d, &first, &gone, err);
    if (r >= 0)
        r = prepare(d, err);
    uint32_t settings = d->step_count;
    if (r >= 0)
        r = add_renames(d, err);
    if (r >= 0)
        r = schema_name_indexes(d, err);
    for (uint32_t i = d->from->count; i-- > 0 && r >= 0;)
        r = clear_object(d, &d->from->objects[d->from->order[i]], err);
    for (uint32_t i = 0; i < d->to->count && r >= 0; i++) {
        uint32_t at = d->to->order[i];
        r = d->to->objects[at].marks & SCHEMA_MAKE ? add_make(d, &d->to->objects[at], err)
                                                   : alter_object(d, first, at, err);
    }
    for (uint32_t i = d->from->count; i-- > 0 && r >= 0;)
        r = tidy_object(d, &d->from->objects[d->from->order[i]], gone[d->from->order[i]], err);
    if (r >= 0)
        r = schema_name_new_indexes(d, err);
    if (d->step_count == settings)
        d->step_count = 0; /* settings alone are no script */
    for (uint32_t i = 0; i < d->step_count && r >= 0; i++)
        r = schema_step_compose(d->ctx, &d->steps[i], err);
    return r;
}
