/* transport_probe.h: what tests of transports share: a service host that tests can steer, arguments set by their names,
 * and a sink that keeps what it gets as text. */
#ifndef LBOPS_TESTS_TRANSPORT_PROBE_H
#define LBOPS_TESTS_TRANSPORT_PROBE_H

#include "buf.h"
#include "clock.h"

#include <lbops/transport.h>

#define PROBE_UNUSED __attribute__((unused))

/* ---- the host ---------------------------------------------------------------------------------------------------- */

static struct {
    volatile bool cancelled;
    int cancel_after; /* calls of cancelled() until it says so; 0: never by itself */
    int64_t step;     /* what each look at the clock adds; 0: the real clock */
    int64_t time;
    buf log;
} probe = {.log = {.limit = 1 << 20}};

static bool probe_cancelled(void)
{
    if (probe.cancel_after && --probe.cancel_after == 0)
        probe.cancelled = true;
    return probe.cancelled;
}

static int64_t probe_now(void)
{
    if (!probe.step)
        return clock_monotonic();
    probe.time += probe.step;
    return probe.time;
}

LB_PRINTF(2, 0) static void probe_log(lb_level level, const char *fmt, va_list args)
{
    char text[1024];
    (void)level;
    (void)vsnprintf(text, sizeof text, fmt, args);
    buf_printf(&probe.log, "%s\n", text);
}

static const lb_service_host probe_host = {
    .size = sizeof probe_host, .vlog = probe_log, .cancelled = probe_cancelled, .now = probe_now};

PROBE_UNUSED static void probe_reset(void)
{
    buf_done(&probe.log);
    probe.cancelled = false;
    probe.cancel_after = 0;
    probe.step = probe.time = 0;
}

PROBE_UNUSED static int64_t probe_soon(int64_t seconds)
{
    return (probe.step ? probe.time : clock_monotonic()) + seconds * CLOCK_SECOND;
}

/* ---- arguments --------------------------------------------------------------------------------------------------- */

typedef struct probe_args {
    const lb_transport *transport;
    void *bytes;
} probe_args;

static void *probe_member(const probe_args *a, const char *name)
{
    for (const lb_param *p = a->transport->params; p->name; p++)
        if (strcmp(p->name, name) == 0)
            return (char *)a->bytes + p->offset;
    abort();
}

PROBE_UNUSED static void probe_set_text(const probe_args *a, const char *name, const char *text)
{
    *(const char **)probe_member(a, name) = text;
}

PROBE_UNUSED static void probe_set_i64(const probe_args *a, const char *name, int64_t number)
{
    *(int64_t *)probe_member(a, name) = number;
}

PROBE_UNUSED static void probe_set_bool(const probe_args *a, const char *name, bool flag)
{
    *(bool *)probe_member(a, name) = flag;
}

/* Whole numbers and booleans get their defaults. */
PROBE_UNUSED static probe_args probe_args_new(const lb_transport *transport)
{
    probe_args a = {.transport = transport, .bytes = base_alloc(transport->args_size)};
    for (const lb_param *p = transport->params; p->name; p++) {
        if (p->type == LB_I64 && p->fallback)
            probe_set_i64(&a, p->name, strtoll(p->fallback, NULL, 10));
        else if (p->type == LB_BOOL && p->fallback)
            probe_set_bool(&a, p->name, strcmp(p->fallback, "true") == 0);
        else if (p->type == LB_TIME)
            probe_set_i64(&a, p->name, LB_TIME_NONE);
    }
    return a;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

/* Results as text: columns and cells with | between, a line each; null is ~. */
typedef struct probe_rows {
    buf text;
    int64_t rows, affected;
    int64_t refuse_at; /* that row is refused; 0: none */
} probe_rows;

static void probe_line(buf *b, uint32_t count, const char *const *cells)
{
    for (uint32_t i = 0; i < count; i++)
        buf_printf(b, "%s%s", i ? "|" : "", cells[i] ? cells[i] : "~");
    buf_putc(b, '\n');
}

static int probe_columns(void *state, uint32_t count, const char *const *names, lb_error *err)
{
    probe_rows *rows = state;
    (void)err;
    probe_line(&rows->text, count, names);
    return 0;
}

static int probe_row(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    probe_rows *rows = state;
    rows->rows++;
    if (rows->refuse_at && rows->rows >= rows->refuse_at)
        return lb_fail(err, LB_ERR_LIMIT, NULL, "enough");
    if (rows->text.length < 4096)
        probe_line(&rows->text, count, cells);
    return 0;
}

static void probe_rows_clear(probe_rows *rows)
{
    int64_t refuse_at = rows->refuse_at;
    buf_done(&rows->text);
    *rows = (probe_rows){.text = BUF_INIT(1 << 20), .affected = -7, .refuse_at = refuse_at};
}

PROBE_UNUSED static lb_sink probe_sink(probe_rows *rows)
{
    probe_rows_clear(rows);
    return (lb_sink){.size = sizeof(lb_sink), .state = rows, .columns = probe_columns, .row = probe_row};
}

#endif
