/* What may be judged, and by which column. */
#include "cold_model.h"

#include <math.h>
#include <string.h>

#define SECOND       1000000.0
#define IN_ORDER     0.9     /* correlation from which rows lie in the order of a column */
#define CLOCK_SKEW_S 86400.0 /* moments that lie further ahead are plans, not records of writes */

/* ---- names ---- */

static bool matches(const char *pattern, size_t length, const char *text)
{
    if (length && pattern[length - 1] == '*')
        return strncmp(pattern, text, length - 1) == 0;
    return strlen(text) == length && strncmp(pattern, text, length) == 0;
}

/* "schema.name", without building it. */
static bool matches_both(const char *pattern, size_t length, const char *schema, const char *name)
{
    size_t head = strlen(schema);
    if (length > head + 1 && strncmp(pattern, schema, head) == 0 && pattern[head] == '.')
        return matches(pattern + head + 1, length - head - 1, name);
    return length && length <= head + 1 && pattern[length - 1] == '*' && strncmp(pattern, schema, length - 1) == 0;
}

static bool names_it(const char *pattern, size_t length, const char *schema, const char *name)
{
    return matches_both(pattern, length, schema, name) || matches(pattern, length, name);
}

bool cold_listed(const lb_texts *names, const char *schema, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (names_it(names->items[i], strlen(names->items[i]), schema, name))
            return true;
    return false;
}

const char *cold_named_column(const cold_policy *policy, const cold_table *table)
{
    const cold_table *root = cold_root(table);
    for (size_t i = 0; i < policy->time_columns.count; i++) {
        const char *line = policy->time_columns.items[i], *equals = strrchr(line, '=');
        size_t length = equals ? (size_t)(equals - line) : 0;
        if (length && (names_it(line, length, table->r.schema, table->r.name) ||
                       names_it(line, length, root->r.schema, root->r.name)))
            return equals + 1;
    }
    return NULL;
}

static bool names_some(const char *pattern, size_t length, const cold_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (names_it(pattern, length, set->tables[i].r.schema, set->tables[i].r.name))
            return true;
    return false;
}

#define AS_KEPT "write it as schema.table, in the case in which the server keeps it"

static int check_names(const char *list, const lb_texts *names, const cold_set *set, lb_error *err)
{
    for (size_t i = 0; i < names->count; i++)
        if (!names_some(names->items[i], strlen(names->items[i]), set))
            return lb_fail(err, LB_ERR_INVALID, AS_KEPT, "%s names %s, and there is no such table", list,
                           names->items[i]);
    return 0;
}

/* No database has a table that is written so. */
static bool is_no_name(const char *line)
{
    const char *star = strchr(line, '*');
    size_t length = strlen(line);
    return !length || line[0] == '.' || line[length - 1] == '.' || strchr(line, '=') || (star && star[1]);
}

/* A hold that is misspelt holds nothing: no run goes on with one. But the manifest gives a tool the same holds for all
 * its targets, and this one may have no such table. */
static int check_hold(lb_ctx *ctx, const char *list, const char *line, const cold_set *set, lb_error *err)
{
    static const char hint[] = AS_KEPT ", with a * at the end for any rest; take the line out if the table has gone";
    const cold_table *near = is_no_name(line) ? NULL : cold_nearest(set, line);
    if (near)
        return lb_fail(err, LB_ERR_INVALID, hint, "%s names %s, and there is no such table: did you mean %s.%s?", list,
                       line, near->r.schema, near->r.name);
    if (is_no_name(line))
        return lb_fail(err, LB_ERR_INVALID, hint, "%s names %s, and there is no such table", list, line);
    return lb_skipped(
        ctx, line, lb_printf(ctx, "%s names it, and no table here has that name or one like it: it holds none", list),
        err);
}

static int check_holds(lb_ctx *ctx, const char *list, const lb_texts *lines, const cold_set *set, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < lines->count; i++)
        if (!names_some(lines->items[i], strlen(lines->items[i]), set))
            r = check_hold(ctx, list, lines->items[i], set, err);
    return r;
}

int cold_check_policy(lb_ctx *ctx, const cold_policy *policy, const cold_set *set, lb_error *err)
{
    int r = check_names("tables", &policy->tables, set, err);
    if (r >= 0)
        r = check_holds(ctx, "legal_hold", &policy->legal_hold, set, err);
    if (r >= 0)
        r = check_holds(ctx, "keep", &policy->keep, set, err);
    for (size_t i = 0; r >= 0 && i < policy->time_columns.count; i++) {
        const char *line = policy->time_columns.items[i], *equals = strrchr(line, '=');
        if (!equals || equals == line || !equals[1])
            return lb_fail(err, LB_ERR_INVALID, "write it as schema.table=column", "time_columns holds %s", line);
        const char *name = lb_printf(ctx, "%.*s", (int)(equals - line), line);
        const lb_texts one = {&name, 1};
        r = name ? check_names("time_columns", &one, set, err) : lb_out_of_memory(err);
    }
    return r;
}

/* ---- tables ---- */

const cold_table *cold_root(const cold_table *table)
{
    while (table->parent)
        table = table->parent;
    return table;
}

const char *cold_label(lb_ctx *ctx, const cold_table *table)
{
    return lb_printf(ctx, "%s.%s", table->r.schema, table->r.name);
}

const char *cold_held(const cold_policy *policy, const cold_table *table)
{
    for (const cold_table *t = table; t; t = t->parent) {
        if (cold_listed(&policy->legal_hold, t->r.schema, t->r.name))
            return "it is under legal hold";
        if (cold_listed(&policy->keep, t->r.schema, t->r.name))
            return "it is to be kept here";
    }
    return NULL;
}

const char *cold_obstacle(const cold_policy *policy, const cold_table *t)
{
    if (t->r.kind[0] == 'f')
        return "its rows lie on another server: it is a foreign table";
    if (t->r.persistence[0] == 't')
        return "it is temporary";
    if (t->r.is_of_extension)
        return "it belongs to an extension";
    if (strncmp(t->r.schema, "lbops_", 6) == 0) /* the ledger of archivals says which rows have left */
        return "it is one of this platform's own";
    const char *held = cold_held(policy, t);
    if (held)
        return held;
    if (t->r.is_inherited)
        return "other tables inherit from it, so that its rows and theirs are mixed";
    if (!t->r.may_read)
        return "it may not be read: it takes SELECT";
    if (t->r.hides_rows)
        return "row security hides rows of it, and their statistics";
    return t->r.is_locked ? "somebody holds it locked" : NULL;
}

const char *cold_unfit(lb_ctx *ctx, const cold_table *t)
{
    return t->r.unfit_column ? lb_printf(ctx,
                                         "a table of the lakehouse has no column of the name '%s': give it one without "
                                         "blanks and any of , ; { } ( ) = with ALTER TABLE ... RENAME COLUMN",
                                         t->r.unfit_column)
                             : NULL;
}

bool cold_has_range(const cold_table *leaf)
{
    bool has = false;
    for (const cold_table *t = leaf; t; t = t->parent)
        has = has || (t->range && !t->range->is_default);
    return has;
}

bool cold_is_past(const cold_set *set, const cold_table *leaf)
{
    for (const cold_table *t = leaf; t; t = t->parent) {
        const archival_partitions_row *range = t->range;
        if (!range || range->is_default || range->upper_bound_is_null || range->upper_bound == INT64_MAX)
            continue;
        if (range->is_single_key ? range->upper_bound <= set->cutoff : range->upper_bound < set->cutoff)
            return true;
    }
    return false;
}

/* ---- columns ---- */

static bool lies_in_order(const cold_column *c)
{
    return !c->r.correlation_is_null && fabs(c->r.correlation) >= IN_ORDER;
}

/* Why the column says when rows were written; NULL: it does not, and *ret_why says why not. */
static const char *ground_of(const cold_set *set, const cold_column *c, bool is_named, const char **ret_why)
{
    bool is_ahead = cold_newest(&c->spread) > (double)set->now / SECOND + CLOCK_SKEW_S;
    if (!c->r.has_statistics || cold_share_before(&c->spread, (double)set->cutoff / SECOND) < 0)
        *ret_why = "it was never analyzed, so nothing is known of the moments in it: run ANALYZE";
    else if (is_named)
        return "named by time_columns";
    else if (is_ahead)
        *ret_why = "its columns of time hold moments in the future: name one in time_columns, if one tells when a row "
                   "was written";
    else if (c->r.default_is_now)
        return "its default is the moment of the write";
    else if (lies_in_order(c))
        return "rows lie in the order of it";
    else
        *ret_why =
            "nothing shows that one of its columns of time tells when a row was written: name it in time_columns";
    return NULL;
}

const cold_column *cold_choose(lb_ctx *ctx, const cold_policy *policy, const cold_set *set, const cold_table *table,
                               const char **ret_ground)
{
    const char *named = cold_named_column(policy, table), *why = NULL;
    const cold_column *best = NULL;
    double cutoff = (double)set->cutoff / SECOND, least = 2;
    for (size_t i = 0; i < table->column_count; i++) {
        const cold_column *c = &table->columns[i];
        if (named && strcmp(named, c->r.name) != 0)
            continue;
        const char *ground = ground_of(set, c, named != NULL, &why);
        double share = ground ? cold_share_before(&c->spread, cutoff) : 2;
        if (share >= least)
            continue;
        best = c;
        least = share;
        *ret_ground = ground;
    }
    if (!best && named && !why)
        why = lb_printf(ctx, "time_columns names %s, which is no column of time of it", named);
    if (!best)
        *ret_ground = why ? why : "no column of it holds a moment, and counters do not show that it is unused";
    return best;
}
