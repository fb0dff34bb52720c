#include "state_stage.h"

state_stage stage;
bool stage_cancelled;
lb_error stage_error;
lb_state_verdict stage_verdicts[4096];

static int64_t next_number = 1;

/* ---- the host ---- */

LB_PRINTF(2, 0) static void log_nowhere(lb_level level, const char *fmt, va_list args)
{
    if (getenv("LBOPS_TEST_LOG")) {
        printf("\n    log %d: ", (int)level);
        (void)vprintf(fmt, args);
    }
}

static bool is_cancelled(void)
{
    return stage_cancelled;
}

const lb_service_host stage_host = {
    .size = sizeof stage_host, .vlog = log_nowhere, .cancelled = is_cancelled, .now = clock_monotonic};

int64_t stage_soon(int64_t seconds)
{
    return clock_monotonic() + seconds * CLOCK_SECOND;
}

/* ---- arguments ---- */

static void *member(const lb_param *params, void *args, const char *name)
{
    for (const lb_param *p = params; p->name; p++)
        if (strcmp(p->name, name) == 0)
            return (char *)args + p->offset;
    abort();
}

void stage_set_text(const lb_param *params, void *args, const char *name, const char *text)
{
    *(const char **)member(params, args, name) = text;
}

void stage_set_i64(const lb_param *params, void *args, const char *name, int64_t number)
{
    *(int64_t *)member(params, args, name) = number;
}

void stage_set_bool(const lb_param *params, void *args, const char *name, bool flag)
{
    *(bool *)member(params, args, name) = flag;
}

void *stage_args(const lb_param *params, size_t size)
{
    void *args = base_alloc(size);
    for (const lb_param *p = params; p->name; p++) {
        if (p->type == LB_I64 && p->fallback)
            stage_set_i64(params, args, p->name, strtoll(p->fallback, NULL, 10));
        else if ((p->type == LB_TEXT || p->type == LB_IDENT) && p->fallback)
            stage_set_text(params, args, p->name, p->fallback);
        else if (p->type == LB_BOOL && p->fallback)
            stage_set_bool(params, args, p->name, strcmp(p->fallback, "true") == 0);
    }
    return args;
}

/* ---- batches ---- */

int stage_apply_with(void *state, const char *client, int64_t number, const lb_state_txn *txns, size_t count)
{
    int r = stage.ops->apply(state, client, number, txns, count, stage_verdicts, stage_soon(20), &stage_error);
    return r;
}

int stage_apply(const lb_state_txn *txns, size_t count)
{
    int r = stage_apply_with(stage.state, "stage", next_number++, txns, count);
    if (r < 0)
        printf("\n    apply: %s (%s)\n", stage_error.message, stage_error.hint);
    return r;
}

lb_state_verdict stage_txn(const lb_state_op *ops, size_t count)
{
    const lb_state_txn txn = {ops, count};
    return stage_apply(&txn, 1) < 0 ? (lb_state_verdict){.failed = -100} : stage_verdicts[0];
}

lb_state_verdict stage_one(lb_state_op op)
{
    return stage_txn(&op, 1);
}

/* ---- lists ---- */

static const char *or_null(const char *text)
{
    return text ? text : "~";
}

static int take_line(void *arg, const lb_state_doc *doc, lb_error *err)
{
    buf *lines = arg;
    (void)err;
    buf_printf(lines, "%s %s %s %lld %s\n", doc->key, or_null(doc->status), or_null(doc->owner), (long long)doc->at,
               doc->body);
    return 0;
}

const char *stage_list(const lb_state_query *query)
{
    static buf lines = {.limit = (size_t)64 << 20};
    lb_state_query sized = *query;
    sized.size = sizeof sized;
    buf_clear(&lines);
    if (stage.ops->list(stage.state, &sized, stage_soon(20), take_line, &lines, &stage_error) < 0)
        printf("\n    list: %s (%s)\n", stage_error.message, stage_error.hint);
    return buf_text(&lines);
}

static int take_count(void *arg, const lb_state_doc *doc, lb_error *err)
{
    (void)doc, (void)err; /* that there is one says it all */
    ++*(int64_t *)arg;
    return 0;
}

int64_t stage_count(const char *space)
{
    int64_t count = 0;
    const lb_state_query query = {.size = sizeof query, .space = space};
    int r = stage.ops->list(stage.state, &query, stage_soon(60), take_count, &count, &stage_error);
    return r < 0 ? r : count;
}

static int take_version(void *arg, const lb_state_doc *doc, lb_error *err)
{
    (void)err;
    *(int64_t *)arg = doc->version;
    return 0;
}

int64_t stage_version(const char *space, const char *key)
{
    int64_t version = 0;
    const lb_state_query query = {.size = sizeof query, .space = space, .key = key};
    int r = stage.ops->list(stage.state, &query, stage_soon(20), take_version, &version, &stage_error);
    return r < 0 ? r : version;
}

const char *stage_space(void)
{
    static char names[128][24];
    static unsigned used;
    if (used >= LB_COUNT(names))
        abort();
    (void)snprintf(names[used], sizeof names[used], "space %u", used);
    return names[used++];
}
