/* Values for the statements of a workload: of rows that are there, so that they find something. Each is tried before it
 * is replayed, as pgbench's session ends with the first statement that fails: what reads here, and what writes by
 * pgbench itself, as only its plan is to be had here. */
#include "rehearsal_replay.h"

#define TRIED_MS INT64_C(5000)

typedef struct finding {
    lb_ctx *ctx;
    const replay_wish *wish;
    replay_rows *rows;
} finding;

static bool ends_run(lb_ctx *ctx, int r)
{
    return r == LB_ERR_UNREACHABLE || r == LB_ERR_NO_MEMORY || lb_cancelled(ctx);
}

/* 1: the server takes it. 0: it does not, and err says why. */
static int try_text(finding *f, const replay_text *t, const char *text, lb_error *err)
{
    const char *json = NULL;
    int r = lb_explain(f->ctx, LB_EXPLAIN(.text = text, .analyze = t->only_reads, .timeout_ms = TRIED_MS), &json, err);
    return r >= 0 ? 1 : ends_run(f->ctx, r) ? r : 0;
}

/* One variant, with each of the values that fit many types in the holes of which nothing is known. */
static int make_variant(finding *f, replay_statement *s, const replay_text *t, size_t variant, lb_error *err)
{
    const char *values[REPLAY_HOLES] = {NULL};
    bool is_open[REPLAY_HOLES] = {false}, any_open = false;
    int r = replay_values_of(f->rows, t, variant, values, err);
    for (size_t i = 0; i < t->hole_count; i++) {
        is_open[i] = !values[i];
        any_open = any_open || is_open[i];
    }
    for (size_t g = 0; r >= 0 && (any_open ? replay_guess(g) != NULL : g == 0); g++) {
        for (size_t i = 0; i < t->hole_count; i++)
            values[i] = is_open[i] ? replay_guess(g) : values[i];
        const char *text = replay_fill(f->ctx, s->query, t, values);
        if (!text)
            return lb_out_of_memory(err);
        r = try_text(f, t, text, err);
        if (r > 0) {
            s->variants[s->variant_count++] = text;
            s->is_guessed = s->is_guessed || any_open;
            return 1;
        }
    }
    return r;
}

static const char *reason_against(const replay_text *t, const replay_wish *wish)
{
    return t->inserts                        ? "it inserts, and rows that are not there yet cannot be made up"
           : !t->only_reads && !wish->writes ? "it writes, and writes were not asked for"
                                             : NULL;
}

static int find_for(finding *f, replay_statement *s, lb_error *err)
{
    replay_text t;
    int r = replay_read(f->ctx, s->query, &t, err);
    if (r < 0) {
        s->why_not = lb_printf(f->ctx, "%s", err->message);
        return s->why_not ? 0 : lb_out_of_memory(err);
    }
    s->why_not = reason_against(&t, f->wish);
    s->writes = !t.only_reads;
    size_t wanted = t.hole_count ? REPLAY_VARIANTS : 1;
    for (size_t v = 0; !s->why_not && v < wanted; v++) {
        r = make_variant(f, s, &t, v, err);
        if (r < 0)
            return r;
        if (!r && !s->variant_count)
            s->why_not = lb_printf(f->ctx, "%s", err->message);
    }
    if (s->variant_count && !t.only_reads)
        for (size_t v = 0; v < s->variant_count; v++) { /* so that the next time finds the same rows */
            s->variants[v] = lb_printf(f->ctx, "BEGIN;\n%s\n;\nROLLBACK", s->variants[v]);
            if (!s->variants[v])
                return lb_out_of_memory(err);
        }
    return 0;
}

int replay_find_values(lb_ctx *ctx, const replay_wish *wish, replay *all, lb_error *err)
{
    finding f = {.ctx = ctx, .wish = wish, .rows = replay_rows_new(ctx)};
    int r = f.rows ? 0 : lb_out_of_memory(err);
    for (size_t i = 0; r >= 0 && i < all->count; i++)
        r = find_for(&f, &all->statements[i], err);
    return r;
}
