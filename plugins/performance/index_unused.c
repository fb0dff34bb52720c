/* Indexes that nobody reads, and those that nobody can read. */
#include "amount.h"
#include "index_readers.h"
#include "index_rules.h"
#include "index_tree.h"
#include "index_without.h"
#include "index_writes.h"

#include <time.h>

#define MINUTE      ((int64_t)60 * 1000000)
#define MONTH_DAYS  35    /* holds the end of a month */
#define RARE_WRITES 10000 /* for each scan, and less than one a day: it costs more than it gives */

/* ---- roles that an index has without being scanned ---- */

/* Of several that serve a key and are not scanned, the oldest stays: they must not all go at once. */
static bool stays(const index_info *other, const index_info *x)
{
    return other->tree_scans > 0 || other->r.is_unique || other->r.constraint_name || other->r.index_id < x->r.index_id;
}

static bool leads_foreign_key(const index_set *set, const index_info *x, bool *ret_alone)
{
    bool leads = false;
    for (size_t i = 0; i < set->key_count; i++) {
        const index_foreign_key *key = &set->keys[i];
        if (key->table != x->table || index_covers(set, x, key) < INDEX_COVER_WEAK)
            continue;
        bool alone = true;
        for (size_t k = 0; k < x->table->index_count; k++) {
            const index_info *other = x->table->indexes[k];
            alone =
                alone && (other == x || !stays(other, x) || index_covers(set, other, key) < index_covers(set, x, key));
        }
        leads = true;
        *ret_alone = *ret_alone || alone;
    }
    return leads;
}

const char *index_role(const index_set *set, const index_info *x)
{
    bool alone = false;
    if (x->r.is_of_extension)
        return "{it belongs|they belong} to an extension";
    if (x->r.is_primary || x->r.is_unique || x->r.is_exclusion || x->r.constraint_name)
        return "{it keeps|they keep} a rule: a key, a unique or an exclusion constraint";
    if (x->r.foreign_keys)
        return "foreign keys refer to {it|them}";
    if (x->r.is_replica_identity)
        return "{it is|they are} a replica identity";
    if (leads_foreign_key(set, x, &alone) && alone)
        return "{it is the only one|they are the only ones} on a foreign key";
    return NULL;
}

/* ---- unused ---- */

typedef struct table_use {
    int64_t reads, writes; /* in this epoch */
    double written;        /* rows: of what the server and earlier looks have counted, the greater */
    bool is_quiet;         /* hardly anything was written */
    double days;           /* without a scan of the index */
    double earlier_days;   /* of these, before this epoch */
    double seen_days;      /* that it is at least old */
    bool may_be_new;       /* nobody has seen it for as long as is asked for */
    int64_t month_ends;    /* within the days */
    int64_t quarter_ends;  /* of these */
    int64_t last_used;     /* in an earlier epoch, or 0 */
    int64_t scans;         /* that are known of */
    int64_t epochs;        /* before this one, with any */
} table_use;

static void add_use(table_use *u, const index_table *t)
{
    u->reads += t->r.seq_scans + t->r.index_scans + t->reader_reads;
    u->writes += t->r.inserted + t->r.updated - t->r.updated_hot + t->r.deleted;
}

static table_use use_of(const index_set *set, const index_table *table)
{
    table_use u = {0};
    add_use(&u, table);
    for (size_t i = 0; table->r.kind[0] == 'p' && i < set->table_count; i++)
        for (const index_table *above = set->tables[i].parent; above; above = above->parent)
            if (above == table)
                add_use(&u, &set->tables[i]);
    return u;
}

int64_t index_reads(const index_set *set, const index_table *table)
{
    return use_of(set, table).reads;
}

/* Days that add up without a month's end among them show nothing of what runs then. */
static bool holds_a_month(const table_use *use)
{
    return use->days >= MONTH_DAYS && use->month_ends > 0;
}

static double window_points(const table_use *use)
{
    return holds_a_month(use) ? 0.35 : use->days >= 7 ? 0.1 : -0.2;
}

/* One that could not be read may use it every minute: whatever else speaks for the verdict, it reads as low then. So it
 * does where the index may be new. */
static double elsewhere_points(const index_window *w)
{
    return w->elsewhere == INDEX_ELSEWHERE_NONE ? 0.1 : w->elsewhere == INDEX_ELSEWHERE_UNREAD ? -0.5 : -0.05;
}

static const char *elsewhere_text(lb_ctx *ctx, const index_window *w)
{
    return w->elsewhere == INDEX_ELSEWHERE_NONE
               ? w->reader_count ? lb_printf(ctx, "; %s looked at too",
                                             amount_text(ctx, (double)w->reader_count, "compute that only reads was",
                                                         "computes that only read were"))
                                 : ""
           : w->elsewhere == INDEX_ELSEWHERE_UNREAD
               ? lb_printf(ctx, "; what %s cannot be read here",
                           amount_text(ctx, (double)w->other_computes, "other compute uses", "other computes use"))
               : "; whether other computes use it is not known";
}

/* Whoever works on a table that was hardly written may not have come by in these days. */
static const char *quiet_text(lb_ctx *ctx, const table_use *use)
{
    return use->is_quiet ? lb_printf(ctx,
                                     "; but hardly anything was written to it (%s): who works on it may not have come "
                                     "by, and the index costs its room alone",
                                     amount_text(ctx, use->written, "row", "rows"))
                         : "";
}

/* Who made it yesterday knows better than to believe in days without a scan. */
static const char *age_text(lb_ctx *ctx, const table_use *use)
{
    if (!use->may_be_new)
        return "";
    return use->seen_days > 0 ? lb_printf(ctx, "; it may be new: it is known of for %.1f days only", use->seen_days)
                              : "; it may be new: no earlier run has seen it";
}

static int tell_unused(index_work *work, const index_info *x, const table_use *use, lb_error *err)
{
    const index_window *w = &work->set->window;
    lb_ctx *ctx = work->ctx;
    const char *undo = NULL;
    index_fix fix = {0};
    index_without without;
    double days = use->days;
    bool alone = false, shares_key = leads_foreign_key(work->set, x, &alone);
    index_write_rate rate = index_writes_per_day(work, x->table);
    const lb_value *read = index_readers_text(ctx, w, true), *unread = index_readers_text(ctx, w, false);
    if (!read || !unread)
        return lb_out_of_memory(err);
    int r = index_definition(work, x, &undo, err);
    if (r >= 0)
        r = index_fix_drop(work, x, &fix, err);
    if (r >= 0)
        r = index_try_without(work, x, &without, err);
    if (r < 0)
        return r;
    return index_tell(
        work,
        &(index_finding){
            .kind = "unused_index",
            .type = "drop_unused",
            .table = x->table,
            .index = x,
            .reason = lb_printf(
                ctx, "not scanned in %.1f days that were counted, while its table was read %lld times%s%s%s%s%s", days,
                (long long)use->reads, quiet_text(ctx, use), age_text(ctx, use), elsewhere_text(ctx, w),
                without.worse ? "; but " : "", without.worse ? without.text : ""),
            .evidence =
                LB_ARGS(lb_i64("scans", x->tree_scans), lb_f64("days", days), lb_time("counted_since", w->since),
                        lb_f64("days_from_history", use->earlier_days), lb_i64("month_ends", use->month_ends),
                        lb_i64("quarter_ends", use->quarter_ends),
                        use->last_used ? lb_time("last_used", use->last_used) : lb_null("last_used"),
                        lb_i64("bytes", x->tree_bytes), lb_text("columns", index_keys_text(ctx, x)),
                        lb_text("predicate", x->r.predicate), lb_i64("table_reads", use->reads),
                        lb_i64("table_writes", use->writes), lb_f64("rows_written", use->written),
                        lb_i64("partitions", x->tree_leaves), *read, *unread, INDEX_WRITES_EVIDENCE(rate),
                        lb_f64("days_seen", use->seen_days), INDEX_WITHOUT_EVIDENCE(without), lb_text("undo", undo)),
            .terms = LB_TERMS({"no_scans", 0.45}, {"days_counted", window_points(use)},
                              {"table_was_busy", use->is_quiet ? -0.2 : 0.1},
                              {"all_computes_read", elsewhere_points(w)}, {"it_may_be_new", use->may_be_new ? -0.6 : 0},
                              {"it_was_used_before", use->last_used ? -0.1 : 0},
                              {"expression_statistics", x->computed_count ? -0.1 : 0},
                              {"table_is_clustered_by_it", x->r.is_clustered ? -0.1 : 0},
                              {"shares_a_foreign_key", shares_key ? -0.05 : 0},
                              {"plans_without_it", index_without_points(&without, days >= 7 ? 0.05 : 0, -0.55)}),
            .impact = LB_ARGS(lb_i64("bytes", x->tree_bytes), INDEX_WRITES_IMPACT(rate)),
            .fix = fix,
            .undo = undo,
            .rehearsed = without.on_branch},
        err);
}

/* How often it was scanned in these days; or, where it was not, when last before them. */
static const char *rarely_text(lb_ctx *ctx, const index_info *x, const table_use *use)
{
    time_t last = (time_t)(use->last_used / 1000000);
    struct tm parts;
    char when[32] = "?";
    if (x->tree_scans > 0)
        return lb_printf(ctx, "scanned %s in %s", amount_text(ctx, (double)use->scans, "time", "times"),
                         amount_text(ctx, use->days, "day", "days"));
    if (gmtime_r(&last, &parts))
        (void)strftime(when, sizeof when, "%Y-%m-%d %H:%M UTC", &parts);
    return lb_printf(ctx, "last seen in use at %s, and not in %.1f days that were counted since", when, use->days);
}

/* A month's end may need what is scanned once a month. So it is told what it costs, and no drop is proposed. */
static int tell_rare(index_work *work, const index_info *x, const table_use *use, lb_error *err)
{
    const index_window *w = &work->set->window;
    lb_ctx *ctx = work->ctx;
    int64_t last = use->last_used;
    const char *rarely = rarely_text(ctx, x, use);
    index_write_rate rate = index_writes_per_day(work, x->table);
    const lb_value *read = index_readers_text(ctx, w, true), *unread = index_readers_text(ctx, w, false);
    if (!rarely || !read || !unread)
        return lb_out_of_memory(err);
    if (!x->r.last_scan_is_null && x->r.last_scan > last)
        last = x->r.last_scan;
    return index_tell(
        work,
        &(index_finding){
            .kind = "rare_index",
            .table = x->table,
            .index = x,
            .reason =
                lb_printf(ctx,
                          "%s, while its table was written %lld times: rarely used is not unused, as what runs at a "
                          "month's end may need it%s%s",
                          rarely, (long long)use->writes, age_text(ctx, use), elsewhere_text(ctx, w)),
            .evidence = LB_ARGS(lb_i64("scans", x->tree_scans), lb_i64("earlier_counts_with_scans", use->epochs),
                                lb_f64("days", use->days), lb_time("counted_since", w->since),
                                lb_i64("month_ends", use->month_ends), lb_i64("quarter_ends", use->quarter_ends),
                                last ? lb_time("last_used", last) : lb_null("last_used"),
                                lb_i64("bytes", x->tree_bytes), lb_text("columns", index_keys_text(ctx, x)),
                                lb_i64("table_reads", use->reads), lb_i64("table_writes", use->writes), *read, *unread,
                                lb_i64("scans_by_readers", x->reader_scans), INDEX_WRITES_EVIDENCE(rate)),
            .terms = LB_TERMS({"hardly_any_scans", 0.25}, {"a_month_is_counted", holds_a_month(use) ? 0.1 : 0},
                              {"all_computes_read", elsewhere_points(w)}),
            .impact = LB_ARGS(lb_i64("bytes", x->tree_bytes), INDEX_WRITES_IMPACT(rate))},
        err);
}

/* NULL: look closer; "" where nothing is to be said. */
static const char *passed_over(const index_info *x, const index_unused_limits *limits)
{
    if (x->parent || !index_is_whole(x))
        return "";
    if (x->r.is_partitioned && x->tree_leaves == 0)
        return "{it is of a partitioned table|they are of partitioned tables} without partitions";
    if (index_is_locked(x))
        return INDEX_LOCKED;
    return x->tree_bytes < limits->min_bytes ? "{it is|they are} smaller than min_bytes" : NULL;
}

static bool is_rare(const table_use *use, const index_unused_limits *limits)
{
    return (double)use->scans < limits->rare_scans * use->days && use->writes >= RARE_WRITES * use->scans;
}

/* A server that has slept has forgotten what looks before that have noted. */
static double rows_written(const index_work *work, const index_table *table, const table_use *use)
{
    index_write_rate rate = index_writes_per_day(work, table);
    double noted = rate.per_day > 0 ? rate.per_day * rate.days : 0;
    return noted > (double)use->writes ? noted : (double)use->writes;
}

/* Scans of earlier epochs are not counted one by one: each that had any stands for one. */
static table_use read_use(const index_work *work, const index_info *x, const char *object,
                          const index_unused_limits *limits)
{
    const index_window *w = &work->set->window;
    table_use use = use_of(work->set, x->table);
    index_idle idle = index_proven_idle(work->history, w, object);
    int64_t uses = 0;
    use.written = rows_written(work, x->table, &use);
    use.is_quiet = use.written < (double)limits->min_written;
    use.last_used = index_last_use(work->history, object, &uses);
    use.scans = x->tree_scans > 0 ? x->tree_scans : uses;
    use.epochs = use.last_used ? uses : 0;
    use.seen_days = index_seen_days(work->history, w, object);
    use.may_be_new = use.seen_days <= 0 || idle.days < limits->days;
    if (use.may_be_new) /* worth a word, and no more */
        idle = index_likely_idle(work->history, w, object, x->tree_bytes);
    use.days = idle.days;
    use.earlier_days = idle.earlier_days;
    use.month_ends = idle.month_ends;
    use.quarter_ends = idle.quarter_ends;
    if (x->tree_scans > 0) /* counted in this epoch alone */
        use.days = use.days < w->days ? use.days : w->days;
    return use;
}

static int look_at_use(index_work *work, const index_info *x, const index_unused_limits *limits, lb_error *err)
{
    const char *why = passed_over(x, limits);
    if (!why)
        why = index_role(work->set, x);
    if (!why)
        why = index_mark_text(work, x);
    if (why) {
        if (*why)
            index_pass(work, why);
        return 0;
    }
    const char *object = index_label(work->ctx, x->r.schema, x->r.name);
    if (!object)
        return lb_out_of_memory(err);
    table_use use = read_use(work, x, object, limits);
    if (x->tree_scans > 0)
        return is_rare(&use, limits) && use.days >= limits->days ? tell_rare(work, x, &use, err) : 0;
    if (use.days < limits->days) {
        index_pass(work, "insufficient data: too few days are counted for {it|them}");
        return 0;
    }
    if (use.reads < limits->min_reads)
        return index_skip(work, x,
                          lb_printf(work->ctx, "not scanned, but its table was read only %s: too little to tell",
                                    amount_text(work->ctx, (double)use.reads, "time", "times")),
                          err);
    if (use.last_used && !holds_a_month(&use)) {
        if (is_rare(&use, limits))
            return tell_rare(work, x, &use, err);
        index_pass(work, "{it was|they were} used before, and no month has passed since: rarely used is not unused");
        return 0;
    }
    return tell_unused(work, x, &use, err);
}

/* Why counts say nothing at all here, or NULL. */
static const char *counts_are_void(const index_work *work, const index_unused_limits *limits)
{
    const index_window *w = &work->set->window;
    lb_ctx *ctx = work->ctx;
    int64_t least = limits->min_minutes * MINUTE;
    if (w->r.in_recovery)
        return "this is a standby: it counts its own scans only";
    if (work->history) /* each index has days of its own */
        return NULL;
    if (w->r.now - w->since < least)
        return lb_printf(ctx, "insufficient data: the server has counted for %.0f minutes, and %lld are needed",
                         (double)(w->r.now - w->since) / (double)MINUTE, (long long)limits->min_minutes);
    if (w->days < limits->days)
        return lb_printf(ctx, "insufficient data: %.1f days are counted, and %.1f are needed", w->days, limits->days);
    return NULL;
}

int index_find_unused(index_work *work, const index_unused_limits *limits, lb_error *err)
{
    const char *why = counts_are_void(work, limits);
    if (why)
        return lb_skipped(work->ctx, "use of indexes", why, err);
    int r = index_tell_readers(work->ctx, &work->set->window, err);
    for (size_t i = 0; r >= 0 && i < work->set->index_count; i++)
        r = look_at_use(work, &work->set->indexes[i], limits, err);
    return r < 0 ? r : index_tell_passed(work, "index", "indexes", err);
}

/* ---- invalid ---- */

static bool ends_like_a_rebuild(const char *name)
{
    const char *at = strstr(name, "_ccnew");
    at = at ? at : strstr(name, "_ccold");
    return at && strspn(at + 6, "0123456789") == strlen(at + 6);
}

static bool has_twin(const index_info *x)
{
    for (size_t i = 0; i < x->table->index_count; i++) {
        const index_info *other = x->table->indexes[i];
        index_info whole = *x;
        whole.r.is_valid = whole.r.is_ready = whole.r.is_live = true;
        if (other != x && index_is_whole(other) && index_can_replace(other, &whole) == INDEX_REPLACES_EXACTLY)
            return true;
    }
    return false;
}

/* What is left of a rebuild, or does what another one does, is not worth a rebuild of its own. */
static bool is_to_go(const index_info *x)
{
    return !x->r.is_live || ends_like_a_rebuild(x->r.name) || has_twin(x);
}

const char *index_coming(const index_info *x)
{
    if (index_is_whole(x))
        return NULL;
    if (x->r.is_being_built)
        return "an index that serves {it|them} is being built";
    if (x->r.is_partitioned && !x->r.is_unique)
        return "an index that would serve {it|them} is not finished, and its end is proposed";
    return x->r.is_partitioned || x->r.is_of_extension || is_to_go(x)
               ? NULL
               : "an index that would serve {it|them} is invalid, and its rebuild is proposed";
}

/* Partitions that lack the index, which is why their parent's is invalid. */
static const char *lacking_partitions(lb_ctx *ctx, const index_set *set, const index_info *x)
{
    const char *list = "";
    for (size_t i = 0; list && i < set->table_count; i++) {
        const index_table *t = &set->tables[i];
        bool has = t->parent != x->table;
        for (size_t k = 0; !has && k < t->index_count; k++)
            has = t->indexes[k]->parent == x && t->indexes[k]->r.is_valid;
        if (!has)
            list = lb_printf(ctx, "%s%s%s.%s", list, *list ? ", " : "", t->r.schema, t->r.name);
    }
    return list;
}

static const char *state_text(lb_ctx *ctx, const index_set *set, const index_info *x)
{
    if (x->r.is_partitioned)
        return lb_printf(ctx, "no valid index is attached for %s", lacking_partitions(ctx, set, x));
    if (!x->r.is_live)
        return "a drop of it was begun and never finished";
    return x->r.is_ready ? "every write maintains it, and no query may use it: its build failed near the end"
                         : "its build failed early: it is neither maintained nor used";
}

/* Why a partitioned one gets no statements; NULL: it has some. */
static const char *why_no_fix(const index_work *work, const index_info *x, const index_fix *fix)
{
    const char *why = x->r.is_partitioned && !fix->step_count ? index_tree_hindrance(work->set, x) : NULL;
    if (why || !x->r.is_partitioned || fix->step_count)
        return why;
    return "a partition can have no index, as a foreign table, or is not seen by this role: without one of each "
           "partition the whole stays invalid";
}

static int tell_invalid(index_work *work, const index_info *x, lb_error *err)
{
    lb_ctx *ctx = work->ctx;
    const char *undo = NULL;
    index_fix fix = {0};
    bool leftover = ends_like_a_rebuild(x->r.name), twin = has_twin(x), drop = is_to_go(x);
    int r = index_definition(work, x, &undo, err);
    if (r >= 0 && !x->r.is_partitioned)
        r = drop ? index_fix_drop(work, x, &fix, err) : index_fix_rebuild(work, x, &fix, err);
    if (r >= 0 && index_tree_is_open(work->set, x))
        r = index_tree_finish(work, x, &fix, err);
    if (r < 0)
        return r;
    return index_tell(
        work,
        &(index_finding){
            .kind = "invalid_index",
            .type = x->r.is_partitioned ? (fix.step_count ? "create_missing" : NULL)
                    : drop              ? "drop_unused"
                                        : "reindex_bloated",
            .table = x->table,
            .index = x,
            .reason = state_text(ctx, work->set, x),
            .evidence = LB_ARGS(
                lb_bool("is_valid", x->r.is_valid), lb_bool("is_ready", x->r.is_ready),
                lb_bool("is_live", x->r.is_live), lb_bool("is_unique", x->r.is_unique), lb_i64("bytes", x->r.bytes),
                lb_bool("is_left_by_a_rebuild", leftover), lb_bool("has_a_valid_twin", twin),
                lb_text("severity", x->r.is_ready && !x->r.is_partitioned ? "critical" : "warning"),
                lb_text("note", x->r.is_unique && !drop ? "a rebuild fails as long as there are duplicates" : NULL),
                lb_text("why_no_fix", why_no_fix(work, x, &fix)), lb_text("undo", undo)),
            .terms = LB_TERMS({"catalogue_says_so", 0.7},
                              {"nobody_builds_it", work->set->window.r.hidden_builds ? -0.3 : 0.2}),
            .impact = LB_ARGS(lb_i64("bytes", x->r.bytes)),
            .fix = fix,
            .undo = undo},
        err);
}

int index_find_invalid(index_work *work, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < work->set->index_count; i++) {
        const index_info *x = &work->set->indexes[i];
        if (index_is_whole(x) || index_is_locked(x)) /* the use of a locked one has been passed over already */
            continue;
        if (x->r.is_being_built)
            r = index_skip(work, x, "it is being built", err);
        else if (x->r.is_of_extension)
            index_pass(work, "{it belongs|they belong} to an extension");
        else if (index_tree_above(work->set, x))
            index_pass(work, "{it is|they are} finished with the index of {its|their} partitioned table");
        else
            r = tell_invalid(work, x, err);
    }
    return r < 0 ? r : index_tell_passed(work, "index", "indexes", err);
}
