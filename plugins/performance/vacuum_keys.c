#include "vacuum_keys.h"
#include "amount.h"

#include <sql/vacuum/key_columns.h>
#include <sql/vacuum/key_largest.h>
#include <sql/vacuum/key_readings.h>
#include <sql/vacuum/key_references.h>
#include <sql/vacuum/key_sequences.h>
#include <sql/vacuum/widen_column.h>
#include <sql/vacuum/widen_sequence.h>

#define METRIC      "key_value"
#define PAGE        500  /* sequences that one statement reads, and so locks */
#define MOST        1000 /* keys whose way is followed, and columns that are asked for their largest value */
#define NOTED_SHARE 0.25 /* so that a rate is known once it matters */
#define SEEN_PART   0.25 /* of the hours that a rate is taken over */
#define EVERY_US    (INT64_C(3600) * 1000000)
#define NEAREST_S   1
#define SMALL_PAGES 8192 /* 64 MB: what is written anew in seconds */
#define DAY_S       86400.0

/* One that has used a good part of its range. */
typedef struct key {
    const char *label; /* schema.sequence, or schema.table.column */
    const char *schema, *sequence, *table_schema, *table, *column, *type;
    vacuum_key_range range;
    double share, rate; /* the latter a day; -1: not known */
    double days, seen_s;
    bool is_rate_sure; /* it was seen for long enough */
    int64_t pages;
    bool is_column; /* its type is the limit, not the sequence's */
    bool has_own_limit, is_noted;
    bool has_narrow_sequence; /* that ends where an int does, though nobody said so: a wide column does not help it */
} key;

typedef struct list {
    key *items;
    size_t count;
    int64_t left_out;
} list;

/* ---- arithmetic ---- */

static vacuum_key_range upwards(const vacuum_key_range *r)
{
    if (r->step >= 0)
        return *r;
    return (vacuum_key_range){.value = -r->value,
                              .start = -r->start,
                              .step = -r->step,
                              .lowest = -r->lowest,
                              .bottom = -r->top,
                              .top = -r->bottom};
}

double vacuum_key_share(const vacuum_key_range *range)
{
    const vacuum_key_range r = upwards(range);
    double from = r.start < 1 ? r.start : 1;
    if (from < r.lowest)
        from = r.lowest;
    double share = r.top > from ? (r.value - from) / (r.top - from) : 1;
    return share < 0 ? 0 : share > 1 ? 1 : share;
}

double vacuum_key_days(const vacuum_key_range *range, double earlier, double seconds)
{
    const vacuum_key_range r = upwards(range);
    double moved = r.value - (range->step < 0 ? -earlier : earlier);
    return seconds < NEAREST_S || moved <= 0 ? -1 : (r.top - r.value) / moved * seconds / DAY_S;
}

vacuum_key_level vacuum_key_level_of_share(double share, const vacuum_keys_limits *limits)
{
    return share > limits->critical  ? VACUUM_KEY_CRITICAL
           : share > limits->high    ? VACUUM_KEY_HIGH
           : share > limits->warning ? VACUUM_KEY_WARNING
                                     : VACUUM_KEY_SAFE;
}

static bool is_seen_long_enough(double seconds, const vacuum_keys_limits *limits)
{
    return seconds >= NEAREST_S && seconds >= SEEN_PART * limits->rate_hours * 3600;
}

vacuum_key_level vacuum_key_level_of_days(double days, double seconds, const vacuum_keys_limits *limits)
{
    if (days < 0 || !is_seen_long_enough(seconds, limits))
        return VACUUM_KEY_SAFE;
    return days < limits->critical_days  ? VACUUM_KEY_CRITICAL
           : days < limits->warning_days ? VACUUM_KEY_WARNING
                                         : VACUUM_KEY_SAFE;
}

/* ---- reading ---- */

/* What ends the run; anything else is said of the keys, and the ids are looked at all the same. */
static bool is_fatal(int r)
{
    return r == LB_ERR_CANCELLED || r == LB_ERR_UNREACHABLE || r == LB_ERR_NO_MEMORY || r == LB_ERR_SUSPENDED;
}

static int unread(lb_ctx *ctx, const char *what, int r, lb_error *err)
{
    return is_fatal(r)
               ? r
               : lb_skipped(ctx, what, lb_printf(ctx, "how far they have come is not known: %s", err->message), err);
}

static int take(list *l, const key *k, lb_error *err)
{
    if (!k->label)
        return lb_out_of_memory(err);
    if (k->share < NOTED_SHARE)
        return 0;
    if (l->count == MOST)
        l->left_out++;
    else
        l->items[l->count++] = *k;
    return 0;
}

static int take_sequence(lb_ctx *ctx, list *l, const vacuum_key_sequences_row *s, lb_error *err)
{
    key k = {.label = lb_printf(ctx, "%s.%s", s->schema, s->sequence),
             .schema = s->schema,
             .sequence = s->sequence,
             .table_schema = s->table_schema,
             .table = s->table_name,
             .column = s->column_name,
             .type = s->type,
             .pages = s->table_pages_is_null ? 0 : s->table_pages,
             .has_own_limit = s->has_own_limit,
             .has_narrow_sequence = !s->has_own_limit && strcmp(s->type, "bigint") != 0,
             .range = {.value = (double)s->value,
                       .start = (double)s->start,
                       .step = (double)s->increment,
                       .lowest = (double)(s->increment > 0 ? s->lowest : s->highest),
                       .bottom = (double)s->bottom,
                       .top = (double)s->top}};
    bool is_narrower = s->increment > 0 ? s->top < s->highest : s->bottom > s->lowest;
    if (s->column_type && (is_narrower || strcmp(s->column_type, s->type) == 0) &&
        !(s->has_own_limit && !is_narrower)) {
        k.is_column = true;
        k.type = s->column_type;
        k.label = lb_printf(ctx, "%s.%s.%s", s->table_schema, s->table_name, s->column_name);
    }
    k.share = vacuum_key_share(&k.range);
    return take(l, &k, err);
}

static int read_sequences(lb_ctx *ctx, list *l, int64_t *ret_examined, lb_error *err)
{
    vacuum_key_sequences_args args = {.after = 0, .most = PAGE};
    vacuum_key_sequences_row row;
    int64_t hidden = 0, got = PAGE;
    int r = 0;
    while (r >= 0 && got == PAGE) {
        lb_rows *rows = NULL;
        r = vacuum_key_sequences(ctx, &args, &rows, err);
        if (r < 0)
            return unread(ctx, "sequences", r, err);
        for (got = 0; r >= 0 && vacuum_key_sequences_next(ctx, rows, &row); got++) {
            args.after = row.id;
            hidden += !row.may_read;
            r = row.value_is_null ? 0 : take_sequence(ctx, l, &row, err);
        }
        *ret_examined += got;
    }
    return r < 0 || !hidden ? r
                            : lb_skipped(ctx, amount_text(ctx, (double)hidden, "sequence", "sequences"),
                                         "not for this role to read: grant it SELECT there, or pg_read_all_data", err);
}

static int take_column(lb_ctx *ctx, list *l, const vacuum_key_columns_row *c, lb_error *err)
{
    const vacuum_key_largest_args args = {.schema = c->schema, .table = c->name, .column = c->column_name};
    vacuum_key_largest_row row;
    lb_rows *rows = NULL;
    key k = {.label = lb_printf(ctx, "%s.%s.%s", c->schema, c->name, c->column_name),
             .table_schema = c->schema,
             .table = c->name,
             .column = c->column_name,
             .type = c->type,
             .pages = c->pages,
             .is_column = true,
             .range = {.start = 1, .step = 1, .lowest = 1, .bottom = 1, .top = (double)c->highest}};
    int r = vacuum_key_largest(ctx, &args, &rows, err);
    if (r < 0)
        return k.label ? unread(ctx, k.label, r, err) : lb_out_of_memory(err);
    if (!vacuum_key_largest_next(ctx, rows, &row) || row.largest_is_null)
        return 0;
    k.range.value = (double)row.largest;
    k.share = vacuum_key_share(&k.range);
    return take(l, &k, err);
}

static int read_columns(lb_ctx *ctx, list *l, int64_t *ret_examined, lb_error *err)
{
    const vacuum_key_columns_args args = {.least_share = NOTED_SHARE, .most = MOST};
    vacuum_key_columns_row row;
    lb_rows *rows = NULL;
    int r = vacuum_key_columns(ctx, &args, &rows, err);
    if (r < 0)
        return unread(ctx, "primary keys", r, err);
    for (; r >= 0 && vacuum_key_columns_next(ctx, rows, &row); ++*ret_examined)
        r = take_column(ctx, l, &row, err);
    return r;
}

/* ---- the rate ---- */

static key *find(list *l, const char *label)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->items[i].label, label) == 0)
            return &l->items[i];
    return NULL;
}

/* No history is no failure: then no rate is known. */
static int read_rates(lb_ctx *ctx, const char *database, list *l, const vacuum_keys_limits *limits, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    int64_t now = lb_now(ctx);
    const vacuum_key_readings_args args = {.project = target->project,
                                           .branch = target->branch,
                                           .database = database,
                                           .metric = METRIC,
                                           .since = now - (int64_t)(limits->rate_hours * 3600e6)};
    vacuum_key_readings_row row;
    lb_rows *rows = NULL;
    int r = vacuum_key_readings(ctx, &args, &rows, err);
    if (r < 0)
        return is_fatal(r) ? r : 0;
    while (vacuum_key_readings_next(ctx, rows, &row)) {
        key *k = find(l, row.object_name);
        double seconds = (double)(now - row.first_at) / 1e6;
        if (!k)
            continue;
        k->is_noted = now - row.last_at < EVERY_US;
        k->days = vacuum_key_days(&k->range, row.first_value, seconds);
        k->seen_s = seconds;
        k->is_rate_sure = is_seen_long_enough(seconds, limits);
        if (seconds >= NEAREST_S)
            k->rate = (k->range.value - row.first_value) / seconds * DAY_S;
    }
    return 0;
}

static int note(lb_ctx *ctx, const char *database, const list *l, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; i < l->count && r >= 0; i++)
        if (!l->items[i].is_noted)
            r = lb_record(ctx, "lakebase_metrics",
                          LB_ARGS(lb_text("metric_name", METRIC), lb_f64("metric_value", l->items[i].range.value),
                                  lb_text("unit", "ids"), lb_text("kind", "counter"),
                                  lb_text("object_name", l->items[i].label), lb_text("database_name", database),
                                  lb_time("snapshot_timestamp", lb_now(ctx))),
                          err);
    return r;
}

/* ---- telling ---- */

static const char *remedy(lb_ctx *ctx, const key *k)
{
    if (k->is_column && k->pages <= SMALL_PAGES)
        return "make the column a bigint, and what refers to it: the table is small, so that writing it anew is quick";
    if (k->is_column)
        return "add a bigint column beside it, fill it in batches with a trigger that keeps it, and exchange the two "
               "in one "
               "short transaction, as for what refers to it: a plain change of the type writes the table anew while "
               "nobody "
               "can read it";
    if (k->has_own_limit)
        return lb_printf(ctx, "it was given an end of its own: move its %s, or have it begin anew on purpose (CYCLE)",
                         k->range.step < 0 ? "MINVALUE" : "MAXVALUE");
    return "make the sequence a bigint, which touches no row";
}

#define STEPS 2

static int compose_fix(lb_ctx *ctx, const key *k, const lb_sql *ret_steps[STEPS], uint32_t *ret_count, lb_error *err)
{
    const vacuum_widen_column_args column = {.schema = k->table_schema, .table = k->table, .column = k->column};
    const vacuum_widen_sequence_args sequence = {.schema = k->schema, .sequence = k->sequence};
    bool widens_column = k->is_column && k->pages <= SMALL_PAGES;
    bool widens_sequence = k->is_column ? widens_column && k->has_narrow_sequence : !k->has_own_limit;
    int r = widens_column ? vacuum_widen_column_compose(ctx, &column, &ret_steps[0], err) : 0;
    *ret_count = widens_column;
    return r < 0 || !widens_sequence ? r
                                     : vacuum_widen_sequence_compose(ctx, &sequence, &ret_steps[(*ret_count)++], err);
}

/* Names of the columns that refer to it, or NULL: none, or they cannot be read. */
static int read_references(lb_ctx *ctx, const key *k, const char **ret_names, lb_error *err)
{
    const vacuum_key_references_args args = {.schema = k->table_schema, .table = k->table, .column = k->column};
    vacuum_key_references_row row;
    lb_rows *rows = NULL;
    *ret_names = NULL;
    int r = k->is_column ? vacuum_key_references(ctx, &args, &rows, err) : 0;
    if (r < 0)
        return is_fatal(r) ? r : 0;
    while (rows && vacuum_key_references_next(ctx, rows, &row))
        *ret_names = *ret_names ? lb_printf(ctx, "%s, %s", *ret_names, row.name) : row.name;
    return 0;
}

static const char *reason_of(lb_ctx *ctx, const key *k)
{
    double hours = k->seen_s / 3600;
    const char *pace = !k->is_rate_sure || (k->days < 0 && k->rate < 0) ? "how fast it moves is not known yet"
                       : k->days >= 0
                           ? lb_printf(ctx, "%.1f days are left at its rate of the last %.1f hours", k->days, hours)
                           : lb_printf(ctx, "it has not moved for %.1f hours", hours);
    double end = k->range.step < 0 ? k->range.bottom : k->range.top;
    return pace ? lb_printf(ctx, "%s (%s) is at %.0f of %.0f, %.1f %% of the way, behind which %s fails: %s",
                            k->is_column ? "its type" : "the sequence", k->type, k->range.value, end, 100 * k->share,
                            k->is_column || k->table ? "every INSERT" : "each nextval", pace)
                : NULL;
}

static int report(lb_ctx *ctx, const key *k, vacuum_key_level level, lb_error *err)
{
    static const char *const levels[] = {"safe", "warning", "high", "critical"};
    const char *references = NULL, *reason = reason_of(ctx, k), *advice = remedy(ctx, k);
    const lb_sql *steps[STEPS] = {NULL};
    uint32_t count = 0;
    int r = compose_fix(ctx, k, steps, &count, err);
    if (r >= 0)
        r = read_references(ctx, k, &references, err);
    if (r < 0)
        return r;
    if (!reason || !advice)
        return lb_out_of_memory(err);
    bool has_rate = k->is_rate_sure && k->rate >= 0, stands_still = has_rate && k->days < 0;
    return lb_report(
        ctx,
        LB_FINDING(.object = k->label, .kind = k->is_column ? "key_exhaustion" : "sequence_exhaustion",
                   .reason = reason,
                   .evidence = LB_ARGS(
                       lb_f64("value", k->range.value),
                       lb_f64("end", k->range.step < 0 ? k->range.bottom : k->range.top),
                       lb_f64("used_share", k->share), lb_text("type", k->type), lb_text("sequence", k->sequence),
                       lb_text("column",
                               k->column ? lb_printf(ctx, "%s.%s.%s", k->table_schema, k->table, k->column) : NULL),
                       lb_text("referred_to_by", references),
                       has_rate ? lb_f64("values_per_day", k->rate) : lb_null("values_per_day"),
                       k->is_rate_sure ? lb_f64("rate_hours", k->seen_s / 3600) : lb_null("rate_hours"),
                       k->is_rate_sure && k->days >= 0 ? lb_f64("days_left", k->days) : lb_null("days_left"),
                       lb_text("remedy", advice)),
                   .terms = LB_TERMS({"counted_by_the_server", 0.7}, {"it_moves", k->days >= 0 ? 0.2 : 0.0},
                                     {"it_stands_still", stands_still ? -0.3 : 0.0},
                                     {"feeds_no_known_column", k->column ? 0.0 : -0.2},
                                     {"has_an_end_of_its_own", !k->is_column && k->has_own_limit ? -0.2 : 0.0}),
                   .impact = LB_ARGS(lb_text("level", levels[level])), .fix = count == 1 ? steps[0] : NULL,
                   .steps = steps, .step_count = count > 1 ? count : 0),
        err);
}

static void take_worst(const key *k, const vacuum_keys_limits *limits, vacuum_keys *ret)
{
    bool is_seen = is_seen_long_enough(k->seen_s, limits);
    if (k->share > ret->worst) {
        ret->worst = k->share;
        ret->worst_name = k->label;
    }
    if (is_seen && k->days >= 0 && (!ret->days_name || k->days < ret->days)) {
        ret->days = k->days;
        ret->days_name = k->label;
        ret->days_share = k->share;
    }
    ret->has_unseen_rate = ret->has_unseen_rate || !is_seen;
}

static int tell(lb_ctx *ctx, const list *l, const vacuum_keys_limits *limits, vacuum_keys *ret, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; i < l->count && r >= 0; i++) {
        const key *k = &l->items[i];
        vacuum_key_level by_share = vacuum_key_level_of_share(k->share, limits);
        vacuum_key_level by_days = vacuum_key_level_of_days(k->days, k->seen_s, limits);
        take_worst(k, limits, ret);
        if (!by_share && !by_days)
            continue;
        ret->past++;
        r = report(ctx, k, by_days > by_share ? by_days : by_share, err);
    }
    if (r >= 0 && l->left_out)
        r = lb_skipped(ctx, amount_text(ctx, (double)l->left_out, "more key", "more keys"),
                       "a quarter of the range is used there, too, and so many are not followed", err);
    return r;
}

int vacuum_keys_look(lb_ctx *ctx, const char *database, const vacuum_keys_limits *limits, vacuum_keys *ret_keys,
                     lb_error *err)
{
    list l = {.items = lb_alloc(ctx, MOST * sizeof *l.items)};
    *ret_keys = (vacuum_keys){.days = -1};
    if (!l.items)
        return lb_out_of_memory(err);
    int r = read_sequences(ctx, &l, &ret_keys->examined, err);
    if (r >= 0)
        r = read_columns(ctx, &l, &ret_keys->examined, err);
    for (size_t i = 0; i < l.count; i++)
        l.items[i].rate = l.items[i].days = -1;
    if (r >= 0 && l.count)
        r = read_rates(ctx, database, &l, limits, err);
    if (r >= 0)
        r = note(ctx, database, &l, err);
    if (r >= 0)
        r = tell(ctx, &l, limits, ret_keys, err);
    return r < 0 ? lb_wrap(err, "keys") : lb_examined(ctx, "keys", ret_keys->examined, err);
}
