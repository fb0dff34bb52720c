/* What the platform says of a pair's pipeline, beside what we have measured. */
#include "sync_platform.h"
#include "sync_tell.h"

typedef struct seen {
    const sync_pipeline *pipeline;
    double said, measured; /* seconds behind; negative: not known */
    const char *status, *note;
} seen;

static double ago(const lb_ctx *ctx, int64_t at)
{
    int64_t passed = lb_now(ctx) - at;
    return passed > 0 ? (double)passed / 1e6 : 0;
}

/* A feed is behind while changes of the server wait; a synced table, while the lakehouse has later ones than the
 * server. */
static double measured_of(const sync_pipeline *p, const sync_pair *pair, const sync_counts *counts)
{
    if (!pair || !counts || !pair->mark)
        return -1;
    if (p->is_feed)
        return sync_lag(counts);
    if (counts->target_latest == SYNC_NO_TIME || counts->source_latest == SYNC_NO_TIME)
        return -1;
    int64_t behind = counts->target_latest - counts->source_latest;
    return behind > 0 ? (double)behind / 1e6 : 0;
}

static const char *when(lb_ctx *ctx, const seen *s)
{
    return s->said < 0 ? "the platform has not synced it yet"
                       : lb_printf(ctx, "the platform synced it %.0f s ago", s->said);
}

static void judge(lb_ctx *ctx, const sync_wish *wish, seen *s)
{
    const sync_pipeline *p = s->pipeline;
    double limit = (double)wish->limit_s;
    bool late = s->said < 0 || s->said > limit;
    s->status = "healthy";
    if (sync_pipeline_failed(p)) {
        s->status = "failed";
        s->note =
            lb_printf(ctx, "the platform says %s%s%s", p->state, p->detail ? ": " : "", p->detail ? p->detail : "");
    } else if (s->measured < 0) {
        s->note = late ? lb_printf(ctx, "%s, and what waits cannot be told", when(ctx, s)) : NULL;
    } else if (s->measured > limit) {
        s->status = "stale";
        s->note = lb_printf(ctx,
                            late ? "%s, and a change waits for %.0f s: both say that it lags"
                                 : "%s, and yet a change waits for %.0f s",
                            when(ctx, s), s->measured);
    } else if (late) {
        s->note = s->measured > 0 ? lb_printf(ctx, "%s, and a change waits for %.0f s", when(ctx, s), s->measured)
                                  : lb_printf(ctx, "%s, and nothing waits", when(ctx, s));
    }
}

static lb_value seconds(const char *name, double value)
{
    return value < 0 ? lb_null(name) : lb_f64(name, value);
}

static const lb_value *facts_of(lb_ctx *ctx, const seen *s)
{
    const sync_pipeline *p = s->pipeline;
    lb_value *values = lb_alloc(ctx, 9 * sizeof *values);
    const lb_value all[] = {
        lb_text("kind", p->is_feed ? "change_feed" : "synced_table"),
        lb_text("pipeline", p->name),
        lb_text("state", p->state),
        lb_text("message", p->detail),
        p->synced_at == LB_TIME_NONE ? lb_null("last_sync_time") : lb_time("last_sync_time", p->synced_at),
        seconds("since_last_sync_seconds", s->said),
        seconds("measured_lag_seconds", s->measured),
        lb_text("note", s->note),
        {.type = LB_END},
    };
    if (values)
        memcpy(values, all, sizeof all);
    return values;
}

/* That a feed is late is what freshness says already. */
static bool is_wrong(const seen *s)
{
    return strcmp(s->status, "failed") == 0 || (strcmp(s->status, "stale") == 0 && !s->pipeline->is_feed);
}

/* A synced table is late by what is measured alone, and this time nothing was that could be. */
static bool is_unmeasured(const seen *s, const sync_pair *pair)
{
    return !s->pipeline->is_feed && s->measured < 0 && (!pair || pair->mark);
}

static bool is_worse(const seen *s, const seen *than)
{
    return is_wrong(s) &&
           (!than->pipeline || (strcmp(s->status, "failed") == 0 && strcmp(than->status, "failed") != 0));
}

static int tell(lb_ctx *ctx, const sync_wish *wish, const seen *s, lb_error *err)
{
    const sync_pipeline *p = s->pipeline;
    const lb_value *facts = facts_of(ctx, s);
    if (!facts)
        return lb_out_of_memory(err);
    int r =
        lb_record(ctx, SYNC_WRITES,
                  LB_ARGS(lb_text("validation_id", lb_printf(ctx, "pipeline/%s/%s/%s/%lld", wish->source, wish->target,
                                                             p->name ? p->name : "", (long long)lb_now(ctx))),
                          lb_time("validated_at", lb_now(ctx)), lb_text("source_table", wish->source),
                          lb_text("target_table", wish->target), lb_text("check_type", "pipeline"),
                          lb_text("pipeline_state", p->state), seconds("freshness_lag_seconds", s->measured),
                          lb_f64("freshness_limit_seconds", (double)wish->limit_s), lb_object("detail", facts),
                          lb_text("status", s->status)),
                  err);
    if (r >= 0)
        r = lb_append(ctx, "pipelines",
                      LB_ARGS(lb_text("source", wish->source), lb_text("target", wish->target),
                              lb_text("status", s->status), lb_text("state", p->state), lb_text("note", s->note),
                              lb_object("detail", facts)),
                      err);
    if (r < 0 || !is_wrong(s))
        return r;
    return lb_report(ctx,
                     LB_FINDING(.object = wish->source, .kind = "sync_pipeline", .reason = s->note, .evidence = facts,
                                .terms = LB_TERMS({"said_by_the_platform", 0.9})),
                     err);
}

/* One alert for the pair, about the worst of its pipelines. */
static int alert(lb_ctx *ctx, sync_tally *tally, const sync_wish *wish, const seen *worst, bool is_sure, lb_error *err)
{
    bool is_off = worst && strncmp(worst->pipeline->state, "OFFLINE", strlen("OFFLINE")) == 0;
    const sync_alarm alarm = {.matter = "pipeline",
                              .level = is_off ? "critical" : "warning",
                              .reason = worst ? worst->note : NULL,
                              .lag = worst && worst->measured > 0 ? worst->measured : 0,
                              .since = LB_TIME_NONE,
                              .is_fine = !worst,
                              .is_unsure = !is_sure};
    return sync_alarm_tell(ctx, &tally->alarms, wish, &alarm, err);
}

int sync_tell_pipelines(lb_ctx *ctx, sync_tally *tally, const sync_wish *wish, const sync_pair *pair,
                        const sync_counts *counts, const char **status, lb_error *err)
{
    sync_pipeline found[SYNC_PIPELINES_MOST];
    seen worst = {.pipeline = NULL};
    size_t count = 0;
    bool is_sure = false;
    int r = 0;
    if (!tally->platform) {
        tally->platform = lb_alloc(ctx, sizeof *tally->platform);
        r = tally->platform ? sync_open_platform(ctx, tally->platform, err) : lb_out_of_memory(err);
    }
    if (r >= 0)
        r = sync_find_pipelines(ctx, tally->platform, wish, found, &count, &is_sure, err);
    for (size_t i = 0; r >= 0 && i < count; i++) {
        seen s = {.pipeline = &found[i],
                  .said = found[i].synced_at == LB_TIME_NONE ? -1 : ago(ctx, found[i].synced_at),
                  .measured = measured_of(&found[i], pair, counts)};
        judge(ctx, wish, &s);
        if (!sync_is_issue(*status) && sync_is_issue(s.status))
            *status = s.status;
        worst = is_worse(&s, &worst) ? s : worst;
        is_sure = is_sure && !is_unmeasured(&s, pair);
        r = tell(ctx, wish, &s, err);
    }
    if (r >= 0)
        r = alert(ctx, tally, wish, worst.pipeline ? &worst : NULL, is_sure, err);
    return r < 0 ? lb_wrap(err, "the platform's own sync states") : 0;
}

int sync_tell_platform(lb_ctx *ctx, const sync_tally *tally, lb_error *err)
{
    return tally->platform && tally->platform->why_none
               ? lb_skipped(ctx, "the platform's own sync states", tally->platform->why_none, err)
               : 0;
}
