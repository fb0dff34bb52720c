/* What is to be said of a workload that was replayed: how much of the source's it was, and how long it took. */
#include "rehearsal.h"

#define LISTED_QUERY 200

static double ms(int64_t us)
{
    return (double)us / 1000;
}

static int tell_times(rehearsal *s, lb_error *err)
{
    int r = 0;
    for (int i = 0; r >= 0 && s->times && i < REPLAY_PHASES; i++) {
        const replay_spread *spread = &s->times->phases[i];
        r = lb_append(s->ctx, "latency",
                      LB_ARGS(lb_text("phase", replay_phase_name((replay_phase)i)), lb_i64("statements", spread->count),
                              lb_f64("p50_ms", ms(replay_percentile(spread, 0.5))),
                              lb_f64("p99_ms", ms(replay_percentile(spread, 0.99))),
                              lb_f64("longest_ms", ms(spread->longest_us))),
                      err);
    }
    return r;
}

static const char *short_of(lb_ctx *ctx, const char *query)
{
    return strlen(query) > LISTED_QUERY ? lb_printf(ctx, "%.*s ...", LISTED_QUERY, query) : query;
}

int rehearsal_tell_work(rehearsal *s, lb_error *err)
{
    const replay *all = &s->replay;
    int r = tell_times(s, err);
    if (r < 0 || !all->count)
        return r;
    for (size_t i = 0; r >= 0 && i < all->count; i++) {
        const replay_statement *one = &all->statements[i];
        r = lb_append(s->ctx, "replayed",
                      LB_ARGS(lb_text("query", short_of(s->ctx, one->query)), lb_i64("calls", one->calls),
                              lb_f64("ms", one->ms), lb_bool("replayed", !one->why_not),
                              lb_text("why_not", one->why_not), lb_bool("guessed", one->is_guessed),
                              lb_i64("variants", (int64_t)one->variant_count)),
                      err);
    }
    return r < 0 ? r
                 : lb_result(
                       s->ctx,
                       LB_ARGS(lb_object(
                           "replay",
                           LB_ARGS(lb_text("source", s->args->replay_source), lb_f64("calls_percent", all->calls_share),
                                   lb_f64("time_percent", all->ms_share), lb_i64("statements", (int64_t)all->replayed),
                                   lb_i64("statements_asked_for", (int64_t)all->count), lb_text("since", all->since)))),
                       err);
}

/* ---- for people ---- */

static void put_times(FILE *out, const rehearsal *s)
{
    (void)fputs("| | statements | p50, ms | p99, ms | longest, ms |\n|---|---|---|---|---|\n", out);
    for (int i = 0; i < REPLAY_PHASES; i++) {
        const replay_spread *spread = &s->times->phases[i];
        (void)fprintf(out, "| %s | %lld | %.1f | %.1f | %.1f |\n", replay_phase_name((replay_phase)i),
                      (long long)spread->count, ms(replay_percentile(spread, 0.5)), ms(replay_percentile(spread, 0.99)),
                      ms(spread->longest_us));
    }
    (void)fputc('\n', out);
}

static void put_left_out(FILE *out, const replay *all)
{
    size_t guessed = 0;
    for (size_t i = 0; i < all->count; i++) {
        const replay_statement *one = &all->statements[i];
        guessed += !one->why_not && one->is_guessed;
        if (!one->why_not)
            continue;
        (void)fputs("- not replayed: ", out);
        rehearsal_put_code(out, one->query, LISTED_QUERY);
        (void)fputs(" because ", out);
        rehearsal_put_code(out, one->why_not, LISTED_QUERY);
        (void)fputc('\n', out);
    }
    (void)fputs(all->replayed < all->count ? "\n" : "", out);
    if (guessed)
        (void)fprintf(out, "Of %zu statement(s) some values are made up, as no column says what they were.\n\n",
                      guessed);
}

void rehearsal_put_work(FILE *out, const rehearsal *s)
{
    const replay *all = &s->replay;
    if (s->times && s->workload.ran) {
        (void)fputs("### The workload meanwhile\n\n", out);
        put_times(out, s);
    }
    if (!all->count)
        return;
    (void)fprintf(out,
                  "%zu of %zu statements were replayed: %.1f %% of what the source is asked, by calls, and %.1f %% by "
                  "time%s%s.\n\n",
                  all->replayed, all->count, all->calls_share, all->ms_share, all->since ? ", since " : "",
                  all->since ? all->since : "");
    put_left_out(out, all);
}

void rehearsal_put_limits(FILE *out, const rehearsal *s)
{
    (void)fputs("### Not to be known here\n\n"
                "- The cache: a new branch has none, so first reads take longer than on its source.\n"
                "- The size of the compute: times are those of this branch's.\n"
                "- Replicas and logical consumers: there are none here, and a long lock or much log may delay them.\n",
                out);
    if (s->quiet.ran)
        (void)fputs(
            s->quiet.rollback == ROLLBACK_LOSES
                ? "- The rows that the quiet round before the measured one has lost: they were not there then.\n"
                : "- Files as they were: a quiet round came before the measured one, up and back.\n",
            out);
    if (!s->workload.ran)
        (void)fputs("- Who would have waited: nobody was at work.\n", out);
    else if (s->replay.count)
        (void)fprintf(out, "- Waits of the %.1f %% of the workload that was not replayed.\n",
                      100 - s->replay.calls_share);
    else
        (void)fputs(
            "- How much of the real workload this one was, and the waits of statements that it does not have.\n", out);
    (void)fprintf(out, "\nLooked %lld times, at most %.0f ms apart: what was shorter may not have been seen.\n",
                  (long long)s->watched.looks, ms(s->watched.longest_gap_us));
}
