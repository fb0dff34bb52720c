#include "query_values.h"

#include "replay_values.h"

#include <lbops/sqltext.h>
#include <stdlib.h>

typedef struct filling {
    lb_ctx *ctx;
    const char *original, *rewrite;
    replay_text from, to;             /* what was read of the two */
    const char *values[REPLAY_HOLES]; /* for the holes of the original */
    bool is_open[REPLAY_HOLES];       /* nobody knows one */
    bool any_open;
} filling;

const char *query_bare_text(lb_ctx *ctx, const char *text)
{
    char *copy = lb_alloc(ctx, strlen(text) + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, strlen(text) + 1);
    lb_sql_blank_comments(copy);
    size_t length = strlen(copy);
    bool may_end = true; /* with one semicolon */
    while (length && (strchr(" \t\r\n\f\v", copy[length - 1]) || (may_end && copy[length - 1] == ';')))
        may_end = copy[--length] != ';' && may_end;
    copy[length] = '\0';
    return copy;
}

bool query_has_parameter(const char *text)
{
    for (const char *p = text; p && *p; p = lb_sql_skip(p))
        if (*p == '$' && p[1] >= '0' && p[1] <= '9')
            return true;
    return false;
}

/* ---- the same values in both ---- */

static long number_of(const char *text, const replay_hole *hole)
{
    return strtol(text + hole->offset + 1, NULL, 10);
}

/* The hole of the original with that number, one with a value if there is any. NULL: it has none. */
static const size_t *find_hole(const filling *f, long number, size_t *into)
{
    bool found = false;
    for (size_t i = 0; i < f->from.hole_count; i++) {
        if (number_of(f->original, &f->from.holes[i]) != number || (found && !f->values[i]))
            continue;
        *into = i;
        found = true;
        if (f->values[i])
            break;
    }
    return found ? into : NULL;
}

static int read_both(filling *f, lb_error *err)
{
    size_t at;
    int r = replay_read(f->ctx, f->original, &f->from, err);
    if (r < 0)
        return lb_wrap(err, "the statement");
    r = replay_read(f->ctx, f->rewrite, &f->to, err);
    if (r < 0)
        return lb_wrap(err, "the rewrite");
    for (size_t i = 0; i < f->to.hole_count; i++)
        if (!find_hole(f, number_of(f->rewrite, &f->to.holes[i]), &at))
            return lb_fail(err, LB_ERR_INVALID, "give it the statement's own parameters",
                           "the rewrite has $%ld, and the statement has not", number_of(f->rewrite, &f->to.holes[i]));
    return 0;
}

static int choose_values(filling *f, replay_rows *rows, size_t variant, lb_error *err)
{
    const char *found[REPLAY_HOLES] = {NULL};
    size_t at = 0;
    memset(f->values, 0, sizeof f->values);
    int r = replay_values_of(rows, &f->from, variant, f->values, err);
    for (size_t i = 0; r >= 0 && i < f->from.hole_count; i++)
        found[i] = find_hole(f, number_of(f->original, &f->from.holes[i]), &at) ? f->values[at] : NULL;
    memcpy(f->values, found, sizeof found);
    f->any_open = false;
    for (size_t i = 0; i < f->from.hole_count; i++) {
        f->is_open[i] = !f->values[i];
        f->any_open = f->any_open || f->is_open[i];
    }
    return r;
}

static int fill(filling *f, query_pair *ret_pair, lb_error *err)
{
    const char *values[REPLAY_HOLES] = {NULL};
    size_t at = 0;
    for (size_t i = 0; i < f->to.hole_count; i++)
        values[i] = find_hole(f, number_of(f->rewrite, &f->to.holes[i]), &at) ? f->values[at] : NULL;
    *ret_pair = (query_pair){.original = replay_fill(f->ctx, f->original, &f->from, f->values),
                             .rewrite = replay_fill(f->ctx, f->rewrite, &f->to, values),
                             .is_guessed = f->any_open};
    return ret_pair->original && ret_pair->rewrite ? 0 : lb_out_of_memory(err);
}

int query_try_plan(lb_ctx *ctx, const char *text, lb_error *err)
{
    const char *json = NULL;
    int r = lb_explain(ctx, LB_EXPLAIN(.text = text), &json, err);
    bool ends = r == LB_ERR_UNREACHABLE || r == LB_ERR_NO_MEMORY || lb_cancelled(ctx);
    return r >= 0 ? 1 : ends ? r : 0;
}

/* With each of the values that fit many types where nothing is known, until the server takes one. */
static int make_pair(filling *f, query_pair *ret_pair, lb_error *err)
{
    int r = 0;
    for (size_t g = 0; r == 0 && (f->any_open ? replay_guess(g) != NULL : g == 0); g++) {
        for (size_t i = 0; i < f->from.hole_count; i++)
            f->values[i] = f->is_open[i] ? replay_guess(g) : f->values[i];
        r = fill(f, ret_pair, err);
        if (r >= 0)
            r = query_try_plan(f->ctx, ret_pair->original, err);
    }
    return r;
}

static bool is_new(const query_pair *pairs, size_t count, const char *original)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(pairs[i].original, original) == 0)
            return false;
    return true;
}

int query_make_pairs(lb_ctx *ctx, const char *original, const char *rewrite, query_pair pairs[QUERY_PAIRS],
                     size_t *ret_count, lb_error *err)
{
    filling *f = lb_alloc(ctx, sizeof *f);
    replay_rows *rows = replay_rows_new(ctx);
    *ret_count = 0;
    if (!f || !rows)
        return lb_out_of_memory(err);
    *f = (filling){.ctx = ctx, .original = query_bare_text(ctx, original), .rewrite = query_bare_text(ctx, rewrite)};
    if (!f->original || !f->rewrite)
        return lb_out_of_memory(err);
    if (!query_has_parameter(f->original) && !query_has_parameter(f->rewrite)) {
        pairs[(*ret_count)++] = (query_pair){.original = f->original, .rewrite = f->rewrite};
        return 0;
    }
    int r = read_both(f, err), took = 0;
    for (size_t v = 0; r >= 0 && v < REPLAY_VARIANTS && *ret_count < QUERY_PAIRS; v++) {
        query_pair *next = &pairs[*ret_count];
        r = choose_values(f, rows, v, err);
        took = r < 0 ? r : make_pair(f, next, err);
        r = took < 0 ? took : 0;
        *ret_count += took > 0 && is_new(pairs, *ret_count, next->original);
    }
    return r < 0 ? r : *ret_count ? 0 : err->code;
}
