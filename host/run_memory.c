/* What a run knows beyond its own target's answers: what the tool remembered, and what the manifest says of alerts. */
#include "run_state.h"

#include "cron.h"
#include "json.h"
#include "pattern.h"

#include <math.h>

/* ---- memory ---- */

static int check_remembers(const run_state *run, lb_error *err)
{
    if (LB_HAS(run->tool, lb_tool, remembers) && run->tool->remembers)
        return 0;
    return lb_fail(err, LB_ERR_INVALID, "set .remembers in the plugin's descriptor",
                   "%s does not say that it remembers", run->request->tool);
}

int run_recall(lb_ctx *ctx, const char **ret_json, lb_error *err)
{
    const run_state *run = run_of(ctx);
    int r = check_remembers(run, err);
    if (r >= 0)
        *ret_json = run->request->memory && *run->request->memory ? run->request->memory : NULL;
    return r;
}

int run_remember(lb_ctx *ctx, const char *json, lb_error *err)
{
    run_state *run = run_of(ctx);
    size_t length = strlen(json);
    int r = check_remembers(run, err);
    if (r < 0)
        return r;
    if (length > RUN_MEMORY_MOST)
        return lb_fail(err, LB_ERR_LIMIT, "remember less; history holds what is to be kept",
                       "%s wants to remember %zu bytes, of at most %zu", run->request->tool, length, RUN_MEMORY_MOST);
    JSON_AUTO *document = json_parse(json, length, err);
    if (!document || !json_object_is_type(document, json_type_object))
        return lb_fail(err, LB_ERR_INVALID, "give a JSON object", "what %s wants to remember is no JSON object",
                       run->request->tool);
    if (run->depth > 0)
        return 0; /* the run that called it is the one whose end is written down */
    buf_clear(&run->worker->remembered);
    buf_puts(&run->worker->remembered, json);
    return run->worker->remembered.overflow ? lb_out_of_memory(err) : 0;
}

/* ---- thresholds ---- */

static bool fits(const char *pattern, const char *name)
{
    return !pattern || (name && pattern_matches(pattern, name));
}

/* 0: all, 2: a pattern, 3: one name. */
static int narrowness(const char *pattern)
{
    return !pattern ? 0 : strpbrk(pattern, "*?") ? 2 : 3;
}

static int rank(const worker_threshold *t)
{
    return 4 * narrowness(t->branch) + narrowness(t->project);
}

static bool holds_for(const worker_threshold *t, const lb_target *target)
{
    return fits(t->project, target->project) && fits(t->branch, target->branch);
}

/* Does another line for the same metric win over line `index`? */
static bool is_overridden(const worker_setup *setup, size_t index, const lb_target *target)
{
    const worker_threshold *t = &setup->thresholds[index];
    for (size_t i = 0; i < setup->threshold_count; i++) {
        const worker_threshold *other = &setup->thresholds[i];
        if (i == index || strcmp(other->metric, t->metric) != 0 || !holds_for(other, target))
            continue;
        if (rank(other) > rank(t) || (rank(other) == rank(t) && i > index))
            return true;
    }
    return false;
}

static void put_limit(buf *b, const char *name, double limit)
{
    json_key(b, name);
    if (isnan(limit))
        buf_puts(b, "null");
    else
        buf_printf(b, "%.17g", limit);
}

static void put_thresholds(buf *b, const worker_setup *setup, const lb_target *target)
{
    json_key(b, "thresholds");
    buf_putc(b, '[');
    for (size_t i = 0; i < setup->threshold_count; i++) {
        const worker_threshold *t = &setup->thresholds[i];
        if (!holds_for(t, target) || is_overridden(setup, i, target))
            continue;
        json_comma(b);
        buf_putc(b, '{');
        json_member_string(b, "metric", t->metric);
        put_limit(b, "warning", t->warning);
        put_limit(b, "critical", t->critical);
        json_member_bool(b, "below", t->below);
        json_member_string(b, "set_by", t->set_by);
        json_member_string(b, "set_on", t->set_on);
        json_member_string(b, "reason", t->reason);
        buf_putc(b, '}');
    }
    buf_putc(b, ']');
}

/* ---- pauses ---- */

/* When the pause that holds now ends; 0: none does. */
static int until_when(const worker_pause *p, int64_t now, int64_t *ret_until, lb_error *err)
{
    cron opens;
    zone *where = NULL;
    int r = cron_parse(p->opens, &opens, err);
    if (r >= 0 && p->zone)
        r = zone_open(p->zone, &where, err);
    if (r < 0)
        return r;
    int64_t opened = cron_previous(&opens, where, now + 1), lasts = (int64_t)p->lasts_min * 60 * CLOCK_SECOND;
    where = zone_free(where);
    *ret_until = opened != INT64_MIN && now < opened + lasts ? opened + lasts : 0;
    return 0;
}

static int put_pause(buf *b, const run_state *run, int64_t now, lb_error *err)
{
    const worker_setup *setup = run->worker->setup;
    const lb_target *target = &run->request->target;
    const worker_pause *longest = NULL;
    int64_t last = 0, until = 0;
    for (size_t i = 0; i < setup->pause_count; i++) {
        const worker_pause *p = &setup->pauses[i];
        if (!fits(p->project, target->project) || !fits(p->branch, target->branch))
            continue;
        int r = until_when(p, now, &until, err);
        if (r < 0)
            return lb_wrap(err, p->name);
        if (until > last) {
            longest = p;
            last = until;
        }
    }
    json_key(b, "paused_until");
    if (longest)
        json_time(b, last);
    else
        buf_puts(b, "null");
    json_member_string(b, "paused_by", longest ? longest->name : NULL);
    return 0;
}

int run_thresholds(lb_ctx *ctx, const char **ret_json, lb_error *err)
{
    const run_state *run = run_of(ctx);
    BUF_AUTO text = BUF_INIT((size_t)4 * 1024 * 1024);
    buf_putc(&text, '{');
    put_thresholds(&text, run->worker->setup, &run->request->target);
    int r = put_pause(&text, run, ctx->host->now(ctx), err);
    if (r < 0)
        return r;
    buf_putc(&text, '}');
    const char *copy = text.overflow ? NULL : arena_strdup(run->memory, buf_text(&text));
    if (!copy)
        return lb_out_of_memory(err);
    *ret_json = copy;
    return 0;
}
