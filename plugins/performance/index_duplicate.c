/* Indexes that others make superfluous: the same again, or the beginning of a longer one. */
#include "index_rules.h"
#include "index_without.h"
#include "index_writes.h"

#include <sql/index/body_defined.h>
#include <sql/index/body_of.h>
#include <sql/index/create_unique.h>
#include <sql/index/drop_constraint.h>

/* ---- can one replace the other? ---- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static const char *expression_of(const index_info *x, int place)
{
    return x->r.key_texts_is_null || (size_t)place >= x->r.key_texts.count ? NULL : x->r.key_texts.items[place].v.text;
}

static bool same_key(const index_info *a, const index_info *b, int place)
{
    return a->keys.items[place] == b->keys.items[place] && a->opclasses.items[place] == b->opclasses.items[place] &&
           a->collations.items[place] == b->collations.items[place] &&
           (a->keys.items[place] || same_text(expression_of(a, place), expression_of(b, place)));
}

/* A B-tree is read in both directions: all keys turned around (DESC, and nulls at the other end) is the same order. */
static bool same_order(const index_info *a, const index_info *b, int keys)
{
    bool same = true, turned = true;
    for (int i = 0; i < keys; i++) {
        same = same && a->options.items[i] == b->options.items[i];
        turned = turned && a->options.items[i] == (b->options.items[i] ^ 3);
    }
    return same || turned;
}

static bool same_keys(const index_info *a, const index_info *b, int keys)
{
    for (int i = 0; i < keys; i++)
        if (!same_key(a, b, i))
            return false;
    return same_order(a, b, keys);
}

/* What `weaker` stores beside its keys is in `stronger` too, as a key or beside. */
static bool holds_included(const index_info *stronger, const index_info *weaker)
{
    for (int i = (int)weaker->r.key_count; i < weaker->keys.count; i++)
        if (!index_vector_has(&stronger->keys, weaker->keys.items[i]))
            return false;
    return true;
}

/* Another method's settings can change what it answers well: pages_per_range, fastupdate. */
static bool same_settings(const index_info *a, const index_info *b)
{
    if (a->r.has_opclass_options || b->r.has_opclass_options)
        return false;
    return strcmp(a->r.method, "btree") == 0 || strcmp(a->r.method, "hash") == 0 ||
           same_text(a->r.settings, b->r.settings);
}

/* The rule that a unique index keeps goes with it, unless the other keeps the same or a stricter one. */
static bool keeps_the_rule(const index_info *stronger, const index_info *weaker)
{
    if (weaker->r.is_exclusion)
        return false;
    if (!weaker->r.is_unique)
        return true;
    return stronger->r.is_unique && stronger->r.key_count == weaker->r.key_count &&
           stronger->r.is_immediate >= weaker->r.is_immediate && weaker->r.is_immediate &&
           stronger->r.is_nulls_not_distinct >= weaker->r.is_nulls_not_distinct;
}

index_replaces index_can_replace(const index_info *stronger, const index_info *weaker)
{
    int keys = (int)weaker->r.key_count;
    if (stronger == weaker || stronger->table != weaker->table || strcmp(stronger->r.method, weaker->r.method) != 0)
        return INDEX_REPLACES_NOT;
    if (index_is_locked(stronger) || index_is_locked(weaker))
        return INDEX_REPLACES_NOT; /* predicates and expressions are not known */
    if (!index_is_whole(stronger) || !index_is_whole(weaker) || stronger->r.key_count < keys)
        return INDEX_REPLACES_NOT;
    if (!same_text(stronger->r.predicate, weaker->r.predicate) || !same_keys(stronger, weaker, keys) ||
        !holds_included(stronger, weaker) || !same_settings(stronger, weaker) || !keeps_the_rule(stronger, weaker))
        return INDEX_REPLACES_NOT;
    if (stronger->r.key_count == keys && stronger->keys.count == weaker->keys.count)
        return INDEX_REPLACES_EXACTLY;
    return strcmp(stronger->r.method, "btree") == 0 ? INDEX_REPLACES_PREFIX : INDEX_REPLACES_NOT;
}

/* ---- which of two stays ---- */

static int worth(const index_info *x)
{
    return (x->r.is_primary ? 32 : 0) + (x->r.foreign_keys ? 16 : 0) + (x->r.is_replica_identity ? 8 : 0) +
           (x->r.constraint_name ? 4 : 0) + (x->r.is_unique ? 2 : 0) + (x->r.is_clustered ? 1 : 0);
}

/* Of two that can each replace the other: true when `a` is the one to keep. A total order, so never both go. by_scans:
 * they are those of the primary; a standby counts its own alone, and would say the opposite of it. */
static bool is_kept_before(const index_info *a, const index_info *b, bool by_scans)
{
    if (worth(a) != worth(b))
        return worth(a) > worth(b);
    if (by_scans && a->tree_scans != b->tree_scans)
        return a->tree_scans > b->tree_scans;
    if (a->tree_bytes != b->tree_bytes)
        return a->tree_bytes < b->tree_bytes;
    return a->r.index_id < b->r.index_id;
}

static bool has_to_stay(const index_info *x)
{
    return x->r.is_primary || x->r.foreign_keys || x->r.is_replica_identity || x->r.is_exclusion || x->parent ||
           x->r.is_of_extension;
}

static bool gives_way(const index_info *weaker, const index_info *stronger, bool by_scans)
{
    return !has_to_stay(weaker) && index_can_replace(stronger, weaker) &&
           !(index_can_replace(weaker, stronger) && !has_to_stay(stronger) &&
             is_kept_before(weaker, stronger, by_scans));
}

static bool gives_way_to_any(const index_info *x, bool by_scans)
{
    for (size_t i = 0; i < x->table->index_count; i++)
        if (gives_way(x, x->table->indexes[i], by_scans))
            return true;
    return false;
}

/* The smallest of those that stay and do its work. */
static const index_info *keeper_of(const index_info *x, bool by_scans)
{
    const index_info *best = NULL;
    for (size_t i = 0; i < x->table->index_count; i++) {
        const index_info *other = x->table->indexes[i];
        if (!gives_way(x, other, by_scans) || gives_way_to_any(other, by_scans))
            continue;
        if (!best || other->r.key_count < best->r.key_count ||
            (other->r.key_count == best->r.key_count && is_kept_before(other, best, by_scans)))
            best = other;
    }
    return best;
}

/* ---- findings ---- */

static const char *why_kept(const index_info *kept, const index_info *dropped, bool by_scans)
{
    static const struct {
        int bit;
        const char *why;
    } reasons[] = {{32, "it is the primary key"},
                   {16, "foreign keys refer to it"},
                   {8, "it is the replica identity"},
                   {4, "it backs a constraint"},
                   {2, "it is unique"},
                   {1, "the table is clustered by it"}};
    int more = worth(kept) & ~worth(dropped);
    if (kept->r.key_count > dropped->r.key_count)
        return "it begins with the same columns and has more";
    if (kept->keys.count > dropped->keys.count)
        return "it has the same columns and stores more";
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (more & reasons[i].bit)
            return reasons[i].why;
    return by_scans && kept->tree_scans > dropped->tree_scans ? "it is scanned more"
           : kept->tree_bytes < dropped->tree_bytes           ? "it is smaller"
                                                              : "it is older";
}

static int fix_of(index_work *work, const index_info *x, index_fix *ret_fix, lb_error *err)
{
    if (!x->r.constraint_name)
        return index_fix_drop(work, x, ret_fix, err);
    return index_make_fix(work, &index_drop_constraint_sql,
                          LB_ARGS(lb_ident("schema", x->r.schema), lb_ident("table", x->r.table_name),
                                  lb_ident("name", x->r.constraint_name)),
                          ret_fix, err);
}

static int tell_duplicate(index_work *work, const index_info *x, const index_info *kept, lb_error *err)
{
    lb_ctx *ctx = work->ctx;
    index_fix fix = {0};
    index_without without;
    const char *undo = NULL;
    bool is_standby = work->set->window.r.in_recovery;
    const index_write_rate unknown = {.per_day = -1}; /* by a standby's counters nobody writes */
    index_write_rate rate = is_standby ? unknown : index_writes_per_day(work, x->table);
    bool exact = index_can_replace(kept, x) == INDEX_REPLACES_EXACTLY;
    bool larger = kept->tree_bytes > 3 * x->tree_bytes && x->tree_bytes > 0,
         busier = x->tree_scans > 10 * (kept->tree_scans + 1);
    int r = index_definition(work, x, &undo, err);
    if (r >= 0 && !is_standby)
        r = fix_of(work, x, &fix, err);
    if (r >= 0)
        r = index_try_without(work, x, &without, err);
    if (r < 0)
        return r;
    return index_tell(
        work,
        &(index_finding){
            .kind = exact ? "duplicate_index" : "redundant_index",
            .type = "drop_duplicate",
            .table = x->table,
            .index = x,
            .reason = lb_printf(ctx, "%s does all that it does and stays, for %s%s%s",
                                index_label(ctx, kept->r.schema, kept->r.name), why_kept(kept, x, !is_standby),
                                without.worse ? "; but " : "", without.worse ? without.text : ""),
            .evidence = LB_ARGS(lb_text("columns", index_keys_text(ctx, x)), lb_text("predicate", x->r.predicate),
                                lb_text("kept", kept->r.name), lb_text("kept_columns", index_keys_text(ctx, kept)),
                                lb_i64("bytes", x->tree_bytes), lb_i64("kept_bytes", kept->tree_bytes),
                                lb_i64("scans", x->tree_scans), lb_i64("kept_scans", kept->tree_scans),
                                lb_text("constraint", x->r.constraint_name), INDEX_WRITES_EVIDENCE(rate),
                                INDEX_WITHOUT_EVIDENCE(without), lb_text("undo", undo)),
            .terms = LB_TERMS(
                {"same_columns_in_order", 0.6}, {exact ? "same_columns_throughout" : "prefix", exact ? 0.35 : 0.25},
                {"backs_a_constraint", x->r.constraint_name ? -0.3 : 0},
                {"kept_one_is_much_larger", !exact && larger ? -0.2 : 0},
                {"it_is_scanned_much_more", !exact && busier ? -0.1 : 0}, {"read_on_a_standby", is_standby ? -0.55 : 0},
                {"plans_without_it", index_without_points(&without, 0.05, -0.3)}),
            .impact = LB_ARGS(lb_i64("bytes", x->tree_bytes), INDEX_WRITES_IMPACT(rate)),
            .fix = fix,
            .undo = undo,
            .rehearsed = without.on_branch},
        err);
}

/* ---- the same keys, of which one index is unique and the other stores more ---- */

/* The unique one that could store as well what x stores beside its keys. */
static const index_info *twin_of(const index_info *x, bool by_scans)
{
    bool stores_more = x->keys.count > x->r.key_count && strcmp(x->r.method, "btree") == 0;
    if (!stores_more || x->r.is_unique || x->parent || !index_is_whole(x))
        return NULL;
    for (size_t i = 0; i < x->table->index_count; i++) {
        const index_info *u = x->table->indexes[i];
        if (u->r.is_unique && strcmp(u->r.method, "btree") == 0 && !u->parent && !u->r.is_of_extension &&
            index_is_whole(u) && !index_is_locked(u) && u->r.key_count == x->r.key_count &&
            same_text(u->r.predicate, x->r.predicate) && same_keys(u, x, (int)x->r.key_count) && holds_included(x, u) &&
            !gives_way_to_any(u, by_scans))
            return u;
    }
    return NULL;
}

/* Why the two are not simply built anew as one; NULL: they can be. */
static const char *why_not_merged(const index_info *x, const index_info *u)
{
    if (u->r.is_partitioned)
        return "an index of a partitioned table cannot be built concurrently";
    if (u->r.foreign_keys)
        return "foreign keys refer to it, and would have to be made anew as well";
    if (u->r.constraint_name)
        return "a constraint stands on it, which has to be given the new one within one transaction";
    if (u->r.is_replica_identity)
        return "it is the replica identity, which the new one has to become first";
    if (u->r.is_nulls_not_distinct)
        return "it takes nulls for equal, as the new one would have to";
    return u->r.is_clustered || x->r.is_clustered ? "the table is clustered by one of them" : NULL;
}

static int make_unique(index_work *work, const index_info *x, const char *definition, const char **ret_name,
                       index_fix *ret_fix, lb_error *err)
{
    const char *columns[INDEX_KEYS];
    const index_table *t = x->table;
    const lb_sql *body = NULL;
    for (int i = 0; i < x->r.key_count; i++) {
        const index_column *c = x->keys.items[i] ? index_find_column(t, x->keys.items[i]) : NULL;
        columns[i] = c ? c->r.name : "expr";
    }
    int r = index_body_defined_compose(work->ctx, &(index_body_defined_args){.body = definition}, &body, err);
    if (r >= 0)
        r = index_choose_name(work, t, columns, (size_t)x->r.key_count, ret_name, err);
    return r < 0 ? r
                 : index_make_fix(work, &index_create_unique_sql,
                                  LB_ARGS(lb_ident("name", *ret_name), lb_ident("schema", t->r.schema),
                                          lb_ident("table", t->r.name), lb_sql_value("body", body)),
                                  ret_fix, err);
}

/* At no time is the rule not kept, nor are they without an index that find rows by it. */
static int merge(index_work *work, const index_info *x, const index_info *u, index_fix *ret_fix, const char **ret_undo,
                 lb_error *err)
{
    enum { NEW, UNIQUE, OTHER, STEPS };
    const index_body_of_args args = {.index_id = x->r.index_id};
    const char *name = NULL, *unique = NULL, *other = NULL;
    index_fix *steps = lb_alloc(work->ctx, STEPS * sizeof *steps), without = {0};
    index_body_of_row row;
    lb_rows *rows = NULL;
    int r = steps ? index_body_of(work->ctx, &args, &rows, err) : lb_out_of_memory(err);
    if (r < 0 || !index_body_of_next(work->ctx, rows, &row)) /* locked since, or gone */
        return r;
    r = make_unique(work, x, row.body, &name, &steps[NEW], err);
    if (r >= 0)
        r = index_fix_drop(work, u, &steps[UNIQUE], err);
    if (r >= 0)
        r = index_fix_drop(work, x, &steps[OTHER], err);
    if (r >= 0)
        r = index_fix_drop_new(work, x->table, name, &without, err);
    if (r >= 0)
        r = index_definition(work, u, &unique, err);
    if (r >= 0)
        r = index_definition(work, x, &other, err);
    if (r < 0 || !*unique || !*other) /* without its undo it is no fix */
        return r;
    *ret_fix = (index_fix){.steps = steps, .step_count = STEPS};
    *ret_undo = lb_printf(work->ctx, "%s;\n%s;\n%s", unique, other, lb_sql_text(work->ctx, without.sql));
    return *ret_undo ? 0 : lb_out_of_memory(err);
}

static int tell_twin(index_work *work, const index_info *x, const index_info *u, lb_error *err)
{
    lb_ctx *ctx = work->ctx;
    index_fix fix = {0};
    const char *undo = NULL, *hindrance = why_not_merged(x, u);
    bool is_standby = work->set->window.r.in_recovery;
    const index_write_rate unknown = {.per_day = -1};
    index_write_rate rate = is_standby ? unknown : index_writes_per_day(work, x->table);
    int r = hindrance || is_standby ? 0 : merge(work, x, u, &fix, &undo, err);
    if (r < 0)
        return r;
    return index_tell(
        work,
        &(index_finding){
            .kind = "include_twin",
            .table = x->table,
            .index = x,
            .reason = lb_printf(ctx,
                                "it has the keys of %s, which is unique, and stores more beside them: one unique index "
                                "that stores it as well does what both do%s%s",
                                index_label(ctx, u->r.schema, u->r.name), hindrance ? "; but " : "",
                                hindrance ? hindrance : ""),
            .evidence = LB_ARGS(lb_text("columns", index_keys_text(ctx, x)), lb_text("predicate", x->r.predicate),
                                lb_text("unique_index", u->r.name), lb_i64("bytes", x->tree_bytes),
                                lb_i64("unique_bytes", u->tree_bytes), lb_i64("scans", x->tree_scans),
                                lb_i64("unique_scans", u->tree_scans), lb_text("constraint", u->r.constraint_name),
                                lb_text("why_no_fix", hindrance), INDEX_WRITES_EVIDENCE(rate), lb_text("undo", undo)),
            .terms = LB_TERMS({"same_keys_in_order", 0.4}, {"backs_a_constraint", u->r.constraint_name ? -0.1 : 0},
                              {"read_on_a_standby", is_standby ? -0.1 : 0}),
            .impact = LB_ARGS(lb_i64("bytes", u->tree_bytes), INDEX_WRITES_IMPACT(rate)),
            .fix = fix,
            .undo = undo},
        err);
}

/* One that nobody scans is to go, and not to be merged. */
static int look_for_twin(index_work *work, const index_info *x, lb_error *err)
{
    const index_info *u = twin_of(x, !work->set->window.r.in_recovery);
    if (!u)
        return 0;
    if (x->tree_scans > 0)
        return tell_twin(work, x, u, err);
    index_pass(work, "{it stores|they store} more than a unique index of the same keys, and no scan of {it|them} is "
                     "counted that would "
                     "make one of both worth while");
    return 0;
}

int index_find_duplicates(index_work *work, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < work->set->index_count; i++) {
        const index_info *x = &work->set->indexes[i];
        if (x->r.is_of_extension || index_is_locked(x)) {
            index_pass(work, index_is_locked(x) ? INDEX_LOCKED : "{it belongs|they belong} to an extension");
            continue;
        }
        const index_info *kept = keeper_of(x, !work->set->window.r.in_recovery);
        if (!kept) {
            r = look_for_twin(work, x, err);
            continue;
        }
        index_mark_kept(work, kept);
        r = tell_duplicate(work, x, kept, err);
    }
    return r < 0 ? r : index_tell_passed(work, "index", "indexes", err);
}
