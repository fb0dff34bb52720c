/* run_full_index_analysis: every index detector in one pass over one read of the catalogue. */
#include "index_analysis.h"

#define WORST 100

static const lb_param params[] = {INDEX_LIMIT_PARAMS, LB_PARAMS_END};

typedef struct tally {
    const char *kind, *name;
    int64_t count;
} tally;

typedef struct score {
    tally kinds[12];
    double weight; /* of all findings, by how sure they are */
} score;

#define KINDS (sizeof((score *)0)->kinds / sizeof *((score *)0)->kinds)

static int count(index_work *work, const index_finding *finding, lb_error *err)
{
    score *s = work->state;
    double sum = 0;
    for (const lb_term *t = finding->terms; t->name; t++)
        sum += t->points;
    s->weight += sum < 0 ? 0 : sum > 1 ? 1 : sum;
    for (size_t i = 0; i < KINDS; i++)
        s->kinds[i].count +=
            strcmp(s->kinds[i].kind, finding->kind) == 0 || (i == 2 && strcmp(finding->kind, "redundant_index") == 0);
    return index_report(work, finding, err);
}

static int emit(index_work *work, const score *s, lb_error *err)
{
    const char *by_type = "{";
    for (size_t i = 0; by_type && i < KINDS; i++)
        by_type = lb_printf(work->ctx, "%s%s\"%s\":%lld", by_type, i ? "," : "", s->kinds[i].name,
                            (long long)s->kinds[i].count);
    by_type = by_type ? lb_printf(work->ctx, "%s}", by_type) : NULL;
    if (!by_type)
        return lb_out_of_memory(err);
    return lb_emit(work->ctx, "index.recommended",
                   LB_ARGS(lb_i64("total_issues", work->found), lb_json("by_type", by_type)), err);
}

static int tell_score(index_work *work, const score *s, lb_error *err)
{
    double health = WORST - 10 * s->weight;
    lb_value values[KINDS + 4];
    size_t at = 0;
    for (size_t i = 0; i < KINDS; i++)
        values[at++] = lb_i64(s->kinds[i].name, s->kinds[i].count);
    values[at++] = lb_i64("total_issues", work->found);
    values[at++] = lb_f64("health_score", health < 0 ? 0 : health);
    values[at++] = lb_time("analysis_timestamp", work->set->window.r.now);
    values[at] = (lb_value){.type = LB_END};
    return lb_result(work->ctx, values, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    score s = {.kinds = {{"unused_index", "unused", 0},
                         {"bloated_index", "bloated", 0},
                         {"duplicate_index", "duplicates", 0},
                         {"missing_index", "missing", 0},
                         {"missing_fk_index", "missing_fk", 0},
                         {"invalid_index", "invalid", 0},
                         {"sequential_scans", "read_in_full", 0},
                         {"rare_index", "rare", 0},
                         {"low_cardinality_index", "low_cardinality", 0},
                         {"many_indexes", "many", 0},
                         {"include_twin", "twins", 0},
                         {"duplicate_foreign_key", "duplicate_keys", 0}}};
    index_work work = {.ctx = ctx, .tell = count, .state = &s};
    int r = index_analyze(&work, ctx->args, err);
    const index_limits *limits = ctx->args;
    if (r >= 0 && work.history) /* what detect_unused_indexes notes, which need not run beside this */
        r = index_note_history(ctx, work.history, work.set, limits->min_unused_bytes, err);
    if (r >= 0)
        r = tell_score(&work, &s, err);
    return r < 0 || !work.found ? r : emit(&work, &s, err);
}

LB_TOOL(run_full_index_analysis, "all that is wrong with the indexes, in one pass", .agent = "performance",
        .risk = LB_RISK_LOW, .schedule = "0 * * * *", .detector = true, .timeout_s = 300,
        LB_TOOL_ARGS(index_limits, params), .writes = LB_NAMES("lakebase_metrics"),
        .emits = LB_NAMES("index.recommended"), .calls = INDEX_TRIAL_CALLS, .run = run);
