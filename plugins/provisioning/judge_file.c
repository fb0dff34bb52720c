/* What only the whole file shows, and where a transaction has to end. */
#include "judge_internal.h"

static bool is_found(const judging *j, fact_kind kind, const fact *f)
{
    return judging_find(j, kind, f->name) != NULL;
}

static void what_is_left_open(judging *j)
{
    for (size_t i = 0; i < j->fact_count; i++) {
        const fact f = j->facts[i];
        judging_at(j, &f);
        if (f.kind == FACT_NOT_VALID && !is_found(j, FACT_VALIDATED, &f))
            judging_hazard(j, JUDGE_NOT_VALID_OPEN, f.name, NULL);
        if (f.kind == FACT_SECURED && !is_found(j, FACT_POLICY, &f))
            judging_hazard(j, JUDGE_ROW_SECURITY_BARE, f.name, NULL);
    }
}

/* ---- parts ---- */

typedef struct part {
    size_t first;
    const char *strong; /* the table of whose readers and writers wait; "" */
    bool adds_enum_value, is_alone;
} part;

static bool is_node(const judged *s, const char *kind)
{
    return tree_has(tree_node(s->source->node, kind));
}

static bool changes_rows(const judged *s)
{
    return is_node(s, "InsertStmt") || is_node(s, "UpdateStmt") || is_node(s, "DeleteStmt") || is_node(s, "MergeStmt");
}

static bool adds_enum_value(const judged *s)
{
    tree alter = tree_node(s->source->node, "AlterEnumStmt");
    return tree_has(alter) && !tree_has(tree_get(alter, "oldVal"));
}

/* Does it validate what the part has added? */
static bool validates_own(const judging *j, const part *p, size_t at)
{
    for (size_t i = 0; i < j->fact_count; i++) {
        const fact *f = &j->facts[i];
        if (f->kind != FACT_VALIDATED || f->statement != at + 1)
            continue;
        const fact *added = judging_find(j, FACT_NOT_VALID, f->name);
        if (added && added->statement > p->first && added->statement <= at)
            return true;
    }
    return false;
}

static bool must_start(const judging *j, const part *p, const judged *s, size_t at)
{
    return p->is_alone || s->batch_rows || !s->verdict.in_transaction || validates_own(j, p, at) ||
           (p->adds_enum_value && !adds_enum_value(s));
}

static bool locks_strongly(const judging *j, const judged *s, size_t at)
{
    bool is_view = is_node(s, "ViewStmt"); /* goes with the table that it shows */
    return s->lock == LOCK_ACCESS_EXCLUSIVE && !is_view && !judging_was_new(j, s->lock_on, (uint32_t)at + 1);
}

/* The strong lock of one table should not be held while rows are written or another one is waited for. */
static bool should_start(const judging *j, const part *p, const judged *s, size_t at)
{
    if (!p->strong[0])
        return false;
    return (changes_rows(s) && !judging_was_new(j, s->lock_on, (uint32_t)at + 1)) ||
           (locks_strongly(j, s, at) && strcmp(s->lock_on, p->strong) != 0);
}

static void cut_into_parts(judging *j, judged *items, size_t count, bool destroys)
{
    part p = {.strong = ""};
    size_t parts = count > 0;
    for (size_t i = 0; i < count; i++) {
        judged *s = &items[i];
        bool starts = i > 0 && (must_start(j, &p, s, i) || (!destroys && should_start(j, &p, s, i)));
        s->starts_part = i == 0 || starts;
        if (starts) {
            p = (part){.first = i, .strong = ""};
            parts++;
        }
        p.is_alone = s->batch_rows || !s->verdict.in_transaction;
        p.adds_enum_value = p.adds_enum_value || adds_enum_value(s);
        if (locks_strongly(j, s, i))
            p.strong = s->lock_on;
    }
    if (destroys && parts > 1) {
        j->number = 0;
        j->place = (script_place){1, 1};
        judging_hazard(j, JUDGE_DESTRUCTIVE_PARTS, "the file", NULL);
    }
}

void judge_whole(judging *j, judged *items, size_t count)
{
    bool destroys = false;
    for (size_t i = 0; i < count; i++)
        destroys = destroys || items[i].verdict.effect == EFFECT_DESTRUCTIVE;
    what_is_left_open(j);
    judge_keys_whole(j);
    cut_into_parts(j, items, count, destroys);
}

void judge_validated(judging *j, judgement *into)
{
    into->validated = arena_alloc(j->memory, (j->fact_count + 1) * sizeof *into->validated);
    j->out_of_memory = j->out_of_memory || !into->validated;
    for (size_t i = 0; into->validated && i < j->fact_count; i++)
        if (j->facts[i].kind == FACT_VALIDATED)
            into->validated[into->validated_count++] = j->facts[i].said;
}
