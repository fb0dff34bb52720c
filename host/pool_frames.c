/* What workers say while they run. */
#include "pool_slot.h"

#include "json.h"

#define KEPT_BYTES ((size_t)1024 * 1024) /* of an empty buffer */

/* A tool may write to the channel itself, so what goes into a document is looked at here once more. */
static bool is_json(const char *text)
{
    lb_error ignored;
    return json_check_own(text, strlen(text), &ignored) == 0;
}

static bool on_change(slot *s, wire_reader *r)
{
    const char *id = wire_get_required(r);
    uint32_t index = wire_get_u32(r), outcome = wire_get_u32(r);
    const char *json = wire_get_required(r);
    if (!wire_done(r) || !s->request || strcmp(id, s->request->id) != 0 || index > s->change_count + 100000 ||
        !is_json(json))
        return false;
    while (s->change_count <= index) {
        BASE_PUSH(s->changes, s->change_count, s->change_capacity);
        s->changes[s->change_count++] = (slot_change){0};
    }
    slot_change *c = &s->changes[index];
    s->kept_bytes += strlen(json);
    s->kept_bytes -= c->json ? strlen(c->json) : 0;
    free(c->json);
    c->json = NULL;
    if (s->kept_bytes > s->pool->events_limit) /* the worker sees to that: this one is out of its mind */
        return false;
    *c = (slot_change){.json = base_strdup(json), .outcome = outcome};
    return true;
}

static bool on_event(slot *s, wire_reader *r)
{
    const char *id = wire_get_required(r), *json = wire_get_required(r);
    if (!wire_done(r) || !s->request || strcmp(id, s->request->id) != 0 || !is_json(json))
        return false;
    if (s->events.length + strlen(json) + 2 >
        s->pool->events_limit) /* comma or bracket before it, bracket at the end */
        return false;
    buf_putc(&s->events, s->events.length ? ',' : '[');
    buf_puts(&s->events, json);
    return !s->events.overflow;
}

static bool on_log(slot *s, wire_reader *r)
{
    const char *id = wire_get_required(r);
    uint32_t level = wire_get_u32(r);
    const char *tool = wire_get_required(r), *text = wire_get_required(r);
    if (!wire_done(r) || level < LB_LOG_ERROR || level > LB_LOG_DEBUG)
        return false;
    if (s->request && strcmp(id, s->request->id) == 0 && s->pool->hooks.log)
        s->pool->hooks.log(s->pool->hooks.state, s->request, (lb_level)level, tool, text);
    return true;
}

static bool on_asked(const slot *s, wire_reader *r)
{
    const char *id = wire_get_required(r), *document = wire_get_required(r);
    if (!wire_done(r) || !s->request || strcmp(id, s->request->id) != 0 || !is_json(document))
        return false;
    if (s->pool->hooks.asked)
        s->pool->hooks.asked(s->pool->hooks.state, s->request, document);
    return true;
}

static bool on_history(const slot *s, wire_reader *r)
{
    const char *id = wire_get_required(r);
    uint32_t number = wire_get_u32(r);
    int64_t deadline = wire_get_i64(r);
    if (r->bad || !s->request || strcmp(id, s->request->id) != 0)
        return false;
    if (s->pool->hooks.history)
        s->pool->hooks.history(s->pool->hooks.state, s->request, number, deadline, r);
    return true;
}

static bool on_lake(const slot *s, wire_reader *r)
{
    const char *id = wire_get_required(r);
    uint32_t number = wire_get_u32(r);
    int64_t deadline = wire_get_i64(r);
    if (r->bad || !s->request || strcmp(id, s->request->id) != 0)
        return false;
    if (s->pool->hooks.lake)
        s->pool->hooks.lake(s->pool->hooks.state, s->request, number, deadline, r);
    return true;
}

static bool on_progress(slot *s, wire_reader *r)
{
    const char *id = wire_get_required(r);
    int64_t done = wire_get_i64(r), total = wire_get_i64(r);
    const char *what = wire_get_str(r);
    if (!wire_done(r))
        return false;
    if (s->request && strcmp(id, s->request->id) == 0 && s->pool->hooks.progress)
        s->pool->hooks.progress(s->pool->hooks.state, s->request, done, total, what);
    return true;
}

/* A called run is a run of its own in the books: its request and its end come right after each other. */
static bool on_called(const slot *s, wire_reader *r, run_request *called)
{
    (void)snprintf(called->id, sizeof called->id, "%s", wire_get_required(r));
    called->parent_id = wire_get_str(r);
    called->tool = wire_get_required(r);
    called->agent = wire_get_str(r);
    called->target.project = wire_get_str(r);
    called->target.branch = wire_get_str(r);
    if (!wire_done(r) || !s->request)
        return false;
    called->plan = s->request->plan;
    called->actor_kind = s->request->actor_kind;
    called->actor = s->request->actor;
    return true;
}

static bool on_done(slot *s, wire_reader *r, const run_request *called)
{
    const char *id = NULL;
    run_done done;
    pool *p = s->pool;
    if (!job_get_done(r, &id, &done) || !s->request || !is_json(done.result))
        return false;
    if (called && strcmp(id, called->id) == 0) {
        run_outcome outcome = {.request = called, .done = done, .changes = "[]", .events = "[]"};
        p->hooks.ended(p->hooks.state, &outcome);
        return true;
    }
    if (strcmp(id, s->request->id) != 0)
        return false;
    ev_timer_stop(p->loop, &s->timer);
    if (s->past_deadline && done.status == RUN_FAILED)
        done.status = RUN_TIMEOUT;
    if (s->past_deadline && done.error.code == LB_ERR_CANCELLED) /* it was asked to stop since its time was over */
        (void)lb_fail(&done.error, LB_ERR_TIMEOUT, "give it a larger timeout_s, or less to do",
                      "%s did not end within %u s and stopped when it was asked to", s->request->tool,
                      s->request->timeout_s);
    s->runs++;
    bool retire = done.retire || s->runs >= p->recycle_runs;
    s->state =
        retire ? SLOT_RETIRING : SLOT_IDLE; /* the owner may submit the next run while it hears of this one's end */
    pool_end_run(s, &done);
    if (retire)
        pool_bury(s, "retired");
    return true;
}

/* False when the worker speaks nonsense. Texts of the frames point into s->in, which nobody touches before they are
 * done. */
bool pool_handle_frames(slot *s)
{
    size_t used = 0, settled = 0, size;
    wire_type type;
    wire_reader reader;
    run_request called = {0};
    bool has_called = false, ok = true;
    pid_t pid = s->child.pid;
    while (ok) {
        int whole = wire_frame(buf_text(&s->in) + used, s->in.length - used, &type, &reader, &size);
        if (whole <= 0) {
            ok = whole == 0;
            break;
        }
        switch (type) {
        case WIRE_READY:
            ok = wire_done(&reader) && s->state == SLOT_STARTING;
            s->state = ok ? SLOT_IDLE : s->state;
            s->pool->start_failures = 0;
            ev_timer_stop(s->pool->loop, &s->timer);
            break;
        case WIRE_CHANGE:
            ok = on_change(s, &reader);
            break;
        case WIRE_EVENT:
            ok = on_event(s, &reader);
            break;
        case WIRE_LOG:
            ok = on_log(s, &reader);
            break;
        case WIRE_PROGRESS:
            ok = on_progress(s, &reader);
            break;
        case WIRE_ASK:
            ok = on_asked(s, &reader);
            break;
        case WIRE_HISTORY:
            ok = on_history(s, &reader);
            break;
        case WIRE_LAKE:
            ok = on_lake(s, &reader);
            break;
        case WIRE_CALLED:
            ok = on_called(s, &reader, &called);
            break;
        case WIRE_DONE:
            ok = on_done(s, &reader, has_called ? &called : NULL);
            break;
        default:
            ok = false;
        }
        if (s->child.pid != pid)
            return true; /* retired meanwhile: its buffer is gone */
        used += size;
        has_called = type == WIRE_CALLED;
        if (!has_called) /* a called run's texts lie in front of its end: both go together */
            settled = used;
    }
    buf_drop_front(&s->in, settled);
    buf_trim(&s->in, KEPT_BYTES);
    return ok;
}
