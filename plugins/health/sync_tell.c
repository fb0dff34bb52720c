/* Rows, events and findings of comparisons. */
#include "sync_tell.h"

#include <math.h>

static lb_value time_or_null(const char *name, int64_t at)
{
    return at == SYNC_NO_TIME ? lb_null(name) : lb_time(name, at);
}

static const char *new_id(lb_ctx *ctx, const sync_wish *wish, const char *check)
{
    return lb_printf(ctx, "%s/%s/%s/%lld", check, wish->source, wish->target, (long long)lb_now(ctx));
}

int sync_record_not_compared(lb_ctx *ctx, const sync_wish *wish, const char *const *kinds, const char *why,
                             lb_error *err)
{
    const lb_value reason[] = {lb_text("reason", why), {.type = LB_END}};
    int r = 0;
    for (; r >= 0 && *kinds; kinds++)
        r = lb_record(ctx, SYNC_WRITES,
                      LB_ARGS(lb_text("validation_id", new_id(ctx, wish, *kinds)), lb_time("validated_at", lb_now(ctx)),
                              lb_text("source_table", wish->source), lb_text("target_table", wish->target),
                              lb_text("check_type", *kinds), lb_object("detail", reason),
                              lb_text("status", SYNC_NOT_COMPARED)),
                      err);
    return r;
}

/* Nobody can go back to what has no versions. */
static lb_value version(const char *name, const sync_pair *pair, int64_t number)
{
    return pair->has_versions && number >= 0 ? lb_i64(name, number) : lb_null(name);
}

static lb_value why_no_version(const sync_pair *pair)
{
    return lb_text("copy_version_unknown",
                   pair->has_versions ? NULL : "the copy is a view, a table of a database, or only just made");
}

/* What holds of any check; the copy's version is what it was compared at. */
static const lb_value *detail(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts)
{
    lb_value *values = lb_alloc(ctx, 16 * sizeof *values);
    const lb_value all[] = {
        version("copy_version", pair, pair->copy->version),
        why_no_version(pair),
        lb_time("copy_committed_at", pair->copy->committed_at),
        lb_time("source_read_from", counts->now),
        lb_text("source_wal_position", counts->position),
        lb_i64("settled_rows", counts->settled),
        time_or_null("compared_until", counts->mark),
        time_or_null("held_back_by_a_transaction_since", counts->is_held ? counts->writes_since : SYNC_NO_TIME),
        time_or_null("held_back_by_an_ended_transaction_since", counts->ended_since),
        lb_i64("source_rows_ahead_of_the_time", counts->source_ahead),
        lb_i64("copy_rows_ahead_of_the_time", counts->target_ahead),
        lb_text("missing_columns", pair->missing),
        lb_text("columns_left_out", pair->left_out),
        {.type = LB_END},
    };
    if (values)
        memcpy(values, all, sizeof all);
    return values;
}

/* What keeps rows from being compared yet. */
static int say_waits(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts, lb_error *err)
{
    int r = 0;
    if (counts->is_held)
        r = lb_skipped(ctx, pair->wish->source,
                       lb_printf(ctx,
                                 "a transaction has been open for %lld s and writes: rows that have changed since it "
                                 "began are not compared yet",
                                 (long long)((counts->now - counts->writes_since) / 1000000)),
                       err);
    if (r >= 0 && counts->ended_since != SYNC_NO_TIME)
        r = lb_skipped(ctx, pair->wish->source,
                       lb_printf(ctx,
                                 "a transaction that began %lld s ago was open when this was last looked at, and has "
                                 "ended: rows that have changed since it began are not compared until the copy was "
                                 "synced after that",
                                 (long long)((counts->now - counts->ended_since) / 1000000)),
                       err);
    if (r >= 0 && counts->unseen_writers)
        r = lb_skipped(
            ctx, pair->wish->source,
            lb_printf(ctx,
                      "%lld %s not show for how long (others' need pg_read_all_stats; prepared ones never do): what is "
                      "committed late may be told as lost",
                      (long long)counts->unseen_writers,
                      counts->unseen_writers == 1 ? "open transaction that writes does"
                                                  : "open transactions that write do"),
            err);
    return r;
}

/* Rows of a client whose clock is wrong are never compared, or in years only. */
static int say_ahead(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts, lb_error *err)
{
    if (!counts->source_ahead && !counts->target_ahead)
        return 0;
    const lb_value *evidence = detail(ctx, pair, counts);
    const char *reason = lb_printf(
        ctx,
        "rows whose %s lies in the future (%s: %lld, its copy: %lld) are not compared, and say nothing of how "
        "fresh the copy is",
        pair->mark, pair->wish->source, (long long)counts->source_ahead, (long long)counts->target_ahead);
    return evidence ? lb_report(ctx,
                                LB_FINDING(.object = pair->wish->source, .kind = "sync_ahead_of_time", .reason = reason,
                                           .evidence = evidence, .terms = LB_TERMS({"counted_by_their_time", 0.9})),
                                err)
                    : lb_out_of_memory(err);
}

int sync_tell_clock(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts, lb_error *err)
{
    int r = say_waits(ctx, pair, counts, err);
    return r < 0 ? r : say_ahead(ctx, pair, counts, err);
}

static int say_no_mark(lb_ctx *ctx, const sync_pair *pair, lb_error *err)
{
    if (pair->mark || !pair->wish->mark)
        return 0;
    return lb_skipped(
        ctx, pair->wish->source,
        lb_printf(ctx, "no timestamp column %s on both sides: rows in flight cannot be told", pair->wish->mark), err);
}

/* Of a pair once: counting, where it is done as well, has said already that there is no mark, and needs no columns. */
static int say_limits(lb_ctx *ctx, const sync_pair *pair, const sync_tally *tally, lb_error *err)
{
    bool is_counted = tally->kinds[1];
    int r = is_counted ? 0 : say_no_mark(ctx, pair, err);
    if (r < 0 || !pair->left_out)
        return r;
    return lb_skipped(ctx, pair->wish->source, lb_printf(ctx, "columns that cannot be compared: %s", pair->left_out),
                      err);
}

/* Behind a reason that says what is missing. */
static const char *what_is_unknown(const sync_counts *counts)
{
    return counts->is_first ? " (the first look: if a transaction was open for longer than the grace and ended before, "
                              "its rows may be on their way)"
                            : "";
}

static int report(lb_ctx *ctx, const sync_pair *pair, const sync_alarm *a, const lb_value *evidence, lb_error *err)
{
    return lb_report(ctx,
                     LB_FINDING(.object = pair->wish->source, .kind = lb_printf(ctx, "sync_%s", a->matter),
                                .reason = a->reason, .evidence = evidence,
                                .terms = LB_TERMS({"counted_on_both_sides", 0.7},
                                                  {"rows_in_flight_told_apart", pair->mark ? 0.25 : 0.0})),
                     err);
}

static bool is_held_back(const sync_counts *counts)
{
    return counts->is_held || counts->ended_since != SYNC_NO_TIME;
}

/* What is wrong is an alert and a finding, and what is not ends its alert. */
static int judge(lb_ctx *ctx, sync_tally *tally, const sync_pair *pair, const sync_alarm *alarms, size_t count,
                 const lb_value *evidence, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < count; i++) {
        r = sync_alarm_tell(ctx, &tally->alarms, pair->wish, &alarms[i], err);
        if (r >= 0 && !alarms[i].is_fine)
            r = report(ctx, pair, &alarms[i], evidence, err);
    }
    return r;
}

static sync_alarm lateness(lb_ctx *ctx, const sync_pair *pair, double lag)
{
    return (sync_alarm){.matter = "freshness",
                        .reason = lb_printf(ctx, "the oldest change waits for %.0f s, and %lld are allowed", lag,
                                            (long long)pair->wish->limit_s),
                        .lag = pair->mark ? lag : INFINITY, /* for others, whose limits it is held to */
                        .since = lb_now(ctx) - (int64_t)(lag * 1e6),
                        .is_fine = lag <= (double)pair->wish->limit_s,
                        .over = pair->mark ? NULL : SYNC_NO_MARK};
}

/* ---- completeness ---- */

int sync_tell_completeness(lb_ctx *ctx, const sync_args *args, const sync_pair *pair, sync_tally *tally,
                           const sync_counts *counts, const char **ret_status, lb_error *err)
{
    int64_t missing = sync_missing(counts), most = pair->mark ? 0 : args->max_drift_rows;
    double lag = sync_lag(counts);
    bool drifts = missing > most || -missing > most, stale = lag > (double)pair->wish->limit_s;
    const char *status = drifts || pair->missing ? "drift_detected" : stale ? "stale" : "healthy";
    const lb_value *facts = detail(ctx, pair, counts);
    if (!facts)
        return lb_out_of_memory(err);
    int r =
        lb_record(ctx, SYNC_WRITES,
                  LB_ARGS(lb_text("validation_id", new_id(ctx, pair->wish, "completeness")),
                          lb_time("validated_at", lb_now(ctx)), lb_text("source_table", pair->wish->source),
                          lb_text("target_table", pair->wish->target), lb_text("check_type", "completeness"),
                          lb_i64("source_count", counts->source_rows), lb_i64("target_count", counts->target_rows),
                          lb_i64("count_drift", counts->source_rows - counts->target_rows),
                          time_or_null("source_max_ts", counts->source_latest),
                          time_or_null("target_max_ts", counts->target_latest), lb_f64("freshness_lag_seconds", lag),
                          lb_f64("freshness_limit_seconds", (double)pair->wish->limit_s), lb_object("detail", facts),
                          lb_text("status", status)),
                  err);
    if (r >= 0)
        r = lb_append(
            ctx, "completeness",
            LB_ARGS(lb_text("source", pair->wish->source), lb_text("target", pair->wish->target),
                    lb_text("status", status), lb_i64("source_count", counts->source_rows),
                    lb_i64("target_count", counts->target_rows), lb_i64("missing", missing > 0 ? missing : 0),
                    lb_i64("extra", missing < 0 ? -missing : 0), lb_bool("extra_in_flight", counts->extra_waits),
                    lb_f64("lag_seconds", lag), time_or_null("source_max_ts", counts->source_latest),
                    time_or_null("target_max_ts", counts->target_latest), lb_text("missing_columns", pair->missing),
                    lb_time("source_read_from", counts->now), lb_text("source_wal_position", counts->position),
                    version("copy_version", pair, pair->copy->version), why_no_version(pair)),
            err);
    if (r >= 0)
        r = sync_tell_clock(ctx, pair, counts, err);
    if (r >= 0)
        r = say_no_mark(ctx, pair, err);
    *ret_status = status;
    if (r < 0)
        return r;
    const sync_alarm alarms[] = {
        {.matter = "rows",
         .reason =
             lb_printf(ctx, "%s has %lld %s %s than %s%s", pair->wish->target,
                       (long long)(missing < 0 ? -missing : missing), missing == 1 || missing == -1 ? "row" : "rows",
                       missing < 0 ? "more" : "less", pair->wish->source, missing > 0 ? what_is_unknown(counts) : ""),
         .drift = (double)missing,
         .lag = lag,
         .since = LB_TIME_NONE,
         .is_fine = !drifts,
         .is_unsure = is_held_back(counts)},
        {.matter = "columns",
         .reason = lb_printf(ctx, "%s lacks columns: %s", pair->wish->target, pair->missing ? pair->missing : ""),
         .lag = lag,
         .since = LB_TIME_NONE,
         .is_fine = !pair->missing},
        lateness(ctx, pair, lag),
    };
    return judge(ctx, tally, pair, alarms, sizeof alarms / sizeof alarms[0], facts, err);
}

/* ---- integrity ---- */

static lb_value texts(lb_ctx *ctx, const char *name, const char *const *items, size_t count)
{
    lb_value *list = lb_alloc(ctx, (count + 1) * sizeof *list);
    for (size_t i = 0; list && i < count; i++)
        list[i] = lb_text(NULL, items[i]);
    return lb_list(name, LB_TEXT, list, list ? count : 0);
}

static lb_value keys_of(lb_ctx *ctx, const char *name, const sync_rows *rows)
{
    lb_value *list = lb_alloc(ctx, (rows->named + 1) * sizeof *list);
    for (size_t i = 0; list && i < rows->named; i++)
        list[i] = lb_text(NULL, rows->items[i].key);
    return lb_list(name, LB_TEXT, list, list ? rows->named : 0);
}

static lb_value columns_of(lb_ctx *ctx, const char *name, const sync_rows *rows)
{
    lb_value *list = lb_alloc(ctx, (rows->named + 1) * sizeof *list);
    for (size_t i = 0; list && i < rows->named; i++)
        list[i] = lb_text(NULL, rows->items[i].columns);
    return lb_list(name, LB_TEXT, list, list ? rows->named : 0);
}

static lb_value bound(const char *name, bool is_given, int64_t value)
{
    return is_given ? lb_i64(name, value) : lb_null(name);
}

/* A table that has no versions was not written to through the lakehouse, and may have been all the same. */
static const char *how_read(const sync_pair *pair, const sync_difference *d)
{
    return pair->has_versions && d->version_after == pair->copy->version
               ? "one version"
               : "not pinned: each statement read what was the latest then";
}

static const lb_value *difference_detail(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts,
                                         const sync_integrity *found)
{
    const sync_difference *d = &found->difference;
    lb_value *values = lb_alloc(ctx, 40 * sizeof *values);
    const lb_value *base = detail(ctx, pair, counts);
    size_t n = 0;
    if (!values || !base)
        return NULL;
    for (; base[n].type != LB_END; n++)
        values[n] = base[n];
    const lb_value more[] = {
        lb_text("scope", found->scope.since != SYNC_NO_TIME             ? "moved"
                         : counts->keys.has_from || counts->keys.has_to ? "part"
                                                                        : "full"),
        bound("keys_from", pair->whole_key && counts->keys.has_from, counts->keys.from),
        bound("keys_below", pair->whole_key && counts->keys.has_to, counts->keys.to),
        bound("key_digests_from", !pair->whole_key && counts->keys.has_from, counts->keys.from),
        bound("key_digests_below", !pair->whole_key && counts->keys.has_to, counts->keys.to),
        time_or_null("compared_since", found->scope.since),
        lb_bool("full_comparison_differs", found->scope.stands),
        lb_bool("full_comparison_undecided", found->scope.is_unsure),
        lb_bool("full_comparison_waits", found->scope.waits),
        version("copy_version_after", pair, d->version_after),
        lb_text("copy_read_at", how_read(pair, d)),
        lb_i64("rows_compared", d->compared),
        lb_i64("parts", d->parts),
        lb_i64("parts_differ", d->parts_differ),
        lb_bool("cut", d->cut),
        lb_text("cut_why", d->cut && d->equal ? "in flight, too many to follow" : NULL),
        lb_i64("missing", d->missing.all),
        lb_i64("extra", d->extra.all),
        lb_i64("different", d->different.all),
        lb_i64("in_flight", d->waiting),
        lb_i64("undecided", d->undecided + d->moving),
        lb_i64("moved_meanwhile", d->moved),
        keys_of(ctx, "missing_keys", &d->missing),
        keys_of(ctx, "extra_keys", &d->extra),
        keys_of(ctx, "different_keys", &d->different),
        columns_of(ctx, "different_columns", &d->different),
        {.type = LB_END},
    };
    memcpy(values + n, more, sizeof more);
    return values;
}

static lb_value key_columns(lb_ctx *ctx, const sync_pair *pair)
{
    const char **names = lb_alloc(ctx, (pair->count + 1) * sizeof *names);
    size_t count = 0;
    for (size_t i = 0; names && i < pair->count; i++)
        if (pair->columns[i].key_place)
            names[count++] = pair->columns[i].name;
    return texts(ctx, "key_columns", names, count);
}

static lb_value number_or_null(const char *name, const sync_counts *counts, int64_t value)
{
    return counts->is_counted ? lb_i64(name, value) : lb_null(name);
}

static const char *why_apart(lb_ctx *ctx, const sync_pair *pair, const sync_difference *d, const sync_counts *counts)
{
    if (d->cut)
        return lb_printf(ctx, "%s and its copy differ in %lld of %lld parts, not all of which were looked into",
                         pair->wish->source, (long long)d->parts_differ, (long long)d->parts);
    if (!d->equal)
        return lb_printf(ctx, "%lld rows are missing in the copy, %lld are too many, %lld differ%s",
                         (long long)d->missing.all, (long long)d->extra.all, (long long)d->different.all,
                         d->missing.all || d->different.all ? what_is_unknown(counts) : "");
    if (pair->missing)
        return lb_printf(ctx, "%s lacks columns: %s", pair->wish->target, pair->missing);
    if (counts->keys.has_from || counts->keys.has_to)
        return "the rows of these keys are alike; differences in those of others still stand";
    return "rows that have changed since are alike; differences of the last comparison of all rows still stand";
}

/* Nothing that was found before is outside of what was compared now. */
static bool is_whole(const sync_counts *counts, const sync_integrity *found)
{
    bool is_moved = found->scope.since != SYNC_NO_TIME;
    return !counts->keys.has_to && !(is_moved && found->scope.in_part);
}

/* What was told would be found again where it still is: what waits now is something else. */
static int tell_checksum(lb_ctx *ctx, const sync_pair *pair, sync_tally *tally, const sync_counts *counts,
                         const sync_integrity *found, const char *status, const lb_value *facts, lb_error *err)
{
    const sync_difference *d = &found->difference;
    bool waits = strcmp(status, SYNC_WAITING) == 0, is_fine = waits || strcmp(status, "healthy") == 0;
    if (is_fine &&
        (!is_whole(counts, found) || (waits && (d->cut || d->unseen || d->is_empty || found->scope.is_unsure))))
        return 0;
    const sync_alarm alarm = {
        .matter = "checksum",
        .reason = why_apart(ctx, pair, d, counts),
        .drift = (double)(d->missing.all - d->extra.all),
        .lag = sync_lag(counts),
        .since = LB_TIME_NONE,
        .is_fine = is_fine,
        .is_unsure = is_held_back(counts), /* what differed may have changed since the transaction began */
        .over = waits ? "what differed is alike by now; rows that differ since may be on their way" : NULL,
    };
    return judge(ctx, tally, pair, &alarm, 1, facts, err);
}

int sync_tell_integrity(lb_ctx *ctx, const sync_pair *pair, sync_tally *tally, const sync_counts *counts,
                        const sync_integrity *found, const char **ret_status, lb_error *err)
{
    const sync_difference *d = &found->difference;
    bool is_sound = d->equal && !pair->missing && !found->scope.stands,
         waits = is_sound && (d->undecided || d->moving || d->is_unsure || found->scope.is_unsure);
    const char *status = !is_sound ? "mismatch" : waits ? SYNC_WAITING : "healthy";
    const lb_value *facts = difference_detail(ctx, pair, counts, found);
    if (!facts)
        return lb_out_of_memory(err);
    int r = lb_record(
        ctx, SYNC_WRITES,
        LB_ARGS(lb_text("validation_id", new_id(ctx, pair->wish, "integrity")), lb_time("validated_at", lb_now(ctx)),
                lb_text("source_table", pair->wish->source), lb_text("target_table", pair->wish->target),
                lb_text("check_type", "integrity"), number_or_null("source_count", counts, counts->source_rows),
                number_or_null("target_count", counts, counts->target_rows),
                number_or_null("count_drift", counts, counts->source_rows - counts->target_rows),
                time_or_null("source_max_ts", counts->source_latest),
                time_or_null("target_max_ts", counts->target_latest), key_columns(ctx, pair),
                lb_text("source_checksum", d->source_digest), lb_text("target_checksum", d->target_digest),
                waits ? lb_null("checksum_match") : lb_bool("checksum_match", d->equal), lb_object("detail", facts),
                lb_text("status", status)),
        err);
    if (r >= 0)
        r = lb_append(ctx, "integrity",
                      LB_ARGS(lb_text("source", pair->wish->source), lb_text("target", pair->wish->target),
                              lb_text("status", status),
                              waits ? lb_null("checksum_match") : lb_bool("checksum_match", d->equal),
                              key_columns(ctx, pair), lb_text("source_checksum", d->source_digest),
                              lb_text("target_checksum", d->target_digest), lb_object("detail", facts),
                              lb_text("next", is_sound ? NULL : sync_repair_command(ctx, pair))),
                      err);
    if (r >= 0)
        r = say_limits(ctx, pair, tally, err);
    if (r >= 0 && counts->keys.has_to)
        r = lb_skipped(
            ctx, pair->wish->source,
            lb_printf(ctx, "rows with %s of %lld%s or above are for the next runs: all at once take too long",
                      pair->whole_key ? pair->whole_key : "a digest of their key", (long long)counts->keys.to,
                      pair->whole_key ? "" : lb_printf(ctx, " (of %d)", SYNC_HASHES)),
            err);
    *ret_status = status;
    return r < 0 ? r : tell_checksum(ctx, pair, tally, counts, found, status, facts, err);
}

/* ---- freshness ---- */

int sync_tell_freshness(lb_ctx *ctx, const sync_pair *pair, sync_tally *tally, const sync_counts *counts,
                        const char **ret_status, lb_error *err)
{
    double lag = sync_lag(counts);
    const char *status = lag > (double)pair->wish->limit_s ? "stale" : "healthy";
    const lb_value *facts = detail(ctx, pair, counts);
    if (!facts)
        return lb_out_of_memory(err);
    int r = lb_record(
        ctx, SYNC_WRITES,
        LB_ARGS(lb_text("validation_id", new_id(ctx, pair->wish, "freshness")), lb_time("validated_at", lb_now(ctx)),
                lb_text("source_table", pair->wish->source), lb_text("target_table", pair->wish->target),
                lb_text("check_type", "freshness"), time_or_null("source_max_ts", counts->source_latest),
                time_or_null("target_max_ts", counts->target_latest), lb_f64("freshness_lag_seconds", lag),
                lb_f64("freshness_limit_seconds", (double)pair->wish->limit_s), lb_object("detail", facts),
                lb_text("status", status)),
        err);
    if (r >= 0)
        r = lb_append(
            ctx, "freshness",
            LB_ARGS(lb_text("source", pair->wish->source), lb_text("target", pair->wish->target),
                    lb_text("status", status), lb_f64("lag_seconds", lag), lb_i64("limit_seconds", pair->wish->limit_s),
                    time_or_null("source_max_ts", counts->source_latest),
                    time_or_null("target_max_ts", counts->target_latest),
                    lb_time("copy_committed_at", pair->copy->committed_at), lb_time("source_read_from", counts->now),
                    lb_text("source_wal_position", counts->position),
                    version("copy_version", pair, pair->copy->version), why_no_version(pair)),
            err);
    if (r >= 0)
        r = sync_tell_clock(ctx, pair, counts, err);
    *ret_status = status;
    const sync_alarm alarm = lateness(ctx, pair, lag);
    return r < 0 ? r : judge(ctx, tally, pair, &alarm, 1, facts, err);
}
