/* Asking the history: a delta service of our own that answers one question after the other. What waits in the outbox is
 * committed first, so that the answers hold what the runs before them have reported. */
#include "cli_history.h"

#include "child.h"
#include "control.h"
#include "service_delta.h"
#include "service_start.h"

#define DEFAULT_PLUGIN "delta_local"
#define COLUMNS_MOST   2048

typedef struct asking {
    cli *c;
    struct ev_loop *loop;
    service *service;
    const cli_history_wish *wish;
    bool no_flush;
    int code;
} asking;

/* ---- the answer ---- */

static bool read_answer(wire_reader *in, cli_answer *t)
{
    t->columns = wire_get_u32(in);
    if (in->bad || t->columns == 0 || t->columns > COLUMNS_MOST)
        return false;
    t->names = base_alloc(t->columns * sizeof *t->names);
    t->types = base_alloc(t->columns * sizeof *t->types);
    for (uint32_t i = 0; i < t->columns; i++) {
        t->names[i] = wire_get_required(in);
        t->types[i] = (lb_type)wire_get_u32(in);
    }
    while (wire_get_bool(in) && !in->bad) {
        for (uint32_t i = 0; i < t->columns && !in->bad; i++) {
            BASE_PUSH(t->cells, t->count, t->capacity);
            t->cells[t->count++] = wire_get_str(in);
        }
    }
    t->cut = wire_get_bool(in);
    return wire_done(in);
}

static void finish(asking *a, int code)
{
    a->code = code;
    ev_break(a->loop, EVBREAK_ALL);
}

static void ask(asking *a);

static void on_answer(void *owner, void *tag, wire_reader *fields, const lb_error *error)
{
    asking *a = owner;
    cli_answer answer = {0};
    lb_error err;
    (void)tag; /* there is one question at a time */
    if (error) {
        err = *error;
        finish(a, cli_fail(a->c, a->wish->failed ? a->wish->failed(a->wish->state, &err) : &err));
        return;
    }
    bool whole = read_answer(fields, &answer);
    if (whole) {
        a->wish->take(a->wish->state, &answer);
        ask(a);
    } else {
        (void)lb_fail(&err, LB_ERR_INTERNAL, NULL, "the delta service gave an answer that cannot be read");
        finish(a, cli_fail(a->c, &err));
    }
    free(answer.names);
    free(answer.types);
    free(answer.cells);
}

static void ask(asking *a)
{
    lb_error err;
    const char *question = a->wish->next(a->wish->state);
    if (!question) {
        finish(a, 0);
        return;
    }
    buf *out = service_begin(a->service, a->wish->of_lake ? DELTA_LAKE_READ : DELTA_QUERY, a->wish->timeout_us,
                             on_answer, a, NULL, &err);
    if (!out) {
        finish(a, cli_fail(a->c, &err));
        return;
    }
    wire_put_str(out, question);
    wire_put_i64(out, a->wish->most_rows);
    wire_put_i64(out, DELTA_ANSWER_BYTES);
    service_end(a->service);
}

/* A flush that fails takes nothing from the question: the answer says less, and the reader is told. */
static void on_flushed(void *owner, void *tag, wire_reader *fields, const lb_error *error)
{
    asking *a = owner;
    (void)tag; /* there is one flush */
    if (error) {
        (void)fprintf(stderr, "%s: what waits in the outbox is not in this answer: %s\n",
                      error->code == LB_ERR_CONFLICT ? "note" : "warning", error->message);
        if (error->hint[0])
            (void)fprintf(stderr, "hint: %s\n", error->hint);
    } else {
        (void)wire_get_i64(fields), (void)wire_get_i64(fields); /* files and rows */
        if (wire_get_i64(fields) > 0)
            (void)fprintf(stderr, "warning: outbox files were set aside as damaged, the first: %s\n",
                          wire_get_required(fields));
    }
    ask(a);
}

static void on_up(void *state, service *s, wire_reader *greeting)
{
    asking *a = state;
    lb_error err;
    (void)s, (void)greeting; /* it says nothing */
    if (a->no_flush) {
        ask(a);
    } else if (service_begin(a->service, DELTA_FLUSH, a->wish->timeout_us, on_flushed, a, NULL, &err)) {
        service_end(a->service);
    } else {
        finish(a, cli_fail(a->c, &err));
    }
}

/* It is started again by itself; for a command the first failure is the end. */
static void on_down(void *state, service *s, const lb_error *why, int failures)
{
    asking *a = state;
    (void)s, (void)failures;
    finish(a, cli_fail(a->c, why));
}

/* ---- starting ---- */

int cli_history_open(const cli *c, struct ev_loop *loop, const service_hooks *hooks, service **ret_service,
                     lb_error *err)
{
    const service_wish wish = {.manifest = c->manifest,
                               .registry = c->registry,
                               .loop = loop,
                               .kind = LB_KIND_DELTA,
                               .fallback = DEFAULT_PLUGIN,
                               .passive = true,
                               .log_level = c->log_level,
                               .hooks = *hooks};
    int r = service_start_named(&wish, ret_service, err);
    if (r < 0 || *ret_service)
        return r;
    const manifest_service *named = manifest_find_service(c->manifest, LB_KIND_DELTA);
    return lb_fail(err, LB_ERR_NOT_FOUND, "name one under [services.delta], or build it",
                   "there is no delta service %s", named ? named->plugin : DEFAULT_PLUGIN);
}

static void ignore_line(void *state, const char *line)
{
    (void)state, (void)line; /* what waits in the end shows in the answer */
}

static bool never(void *state)
{
    (void)state;
    return false;
}

bool cli_history_flush(const cli *c)
{
    lb_error err;
    control_link *link = NULL;
    if (control_connect(c->manifest->state_dir, &link, &err) < 0)
        return false;
    bool is_done = control_ask(link, "{\"verb\":\"flush\"}", ignore_line, never, NULL, &err) == 0;
    link = control_close(link);
    return is_done;
}

int cli_history(cli *c, const cli_history_wish *wish)
{
    lb_error err;
    asking a = {.c = c, .wish = wish, .no_flush = wish->no_flush || cli_history_flush(c)};
    const service_hooks hooks = {.state = &a, .up = on_up, .down = on_down};
    a.loop = child_loop();
    if (cli_history_open(c, a.loop, &hooks, &a.service, &err) < 0)
        a.code = cli_fail(c, &err);
    else
        ev_run(a.loop, 0);
    (void)service_free(a.service); /* gives NULL */
    return a.code;
}
