/* Drivers for the services that reach people: requests for approval and their decisions, alerts. */
#include "service_people.h"

#include "clock.h"
#include "service_main.h"

#define OPEN_TIME      (30 * CLOCK_SECOND)
#define LOOK_GAP       CLOCK_SECOND /* between two looks for decisions, where nothing says that there are some */
#define TROUBLE_GAP    (5 * CLOCK_SECOND)
#define COLLECT_TIME   (CLOCK_SECOND / 50) /* enough for what is there; waiting is for the process */
#define APPROVAL_BYTES (offsetof(lb_approval, collect) + sizeof(((lb_approval *)0)->collect))
#define ALERT_BYTES    (offsetof(lb_alert, send) + sizeof(((lb_alert *)0)->send))

typedef struct channel {
    const service_env *env;
    const lb_approval *plugin;
    void *state;
} channel;

/* ---- approvals ---- */

static int open_channel(const service_env *env, void **ret_state, buf *greeting, lb_error *err)
{
    channel *c = base_alloc(sizeof *c);
    *c = (channel){.env = env, .plugin = env->ops};
    (void)greeting; /* there is nothing to say */
    int r = c->plugin->open(env->host, env->args, env->state_dir, clock_monotonic() + OPEN_TIME, &c->state, err);
    if (r < 0) {
        free(c);
        return r;
    }
    *ret_state = c;
    return 0;
}

static void close_channel(void *state)
{
    channel *c = state;
    c->plugin->close(c->state);
    free(c);
}

static int handle_channel(void *state, uint32_t verb, wire_reader *in, int64_t deadline, buf *out, lb_error *err)
{
    channel *c = state;
    (void)out; /* the code is the answer */
    const char *id = wire_get_required(in);
    if (verb == APPROVAL_PUBLISH) {
        int64_t revision = wire_get_i64(in);
        const char *document = wire_get_required(in);
        return wire_done(in) ? c->plugin->publish(c->state, id, revision, document, deadline, err)
                             : lb_fail(err, LB_ERR_INTERNAL, NULL, "a malformed request");
    }
    const char *outcome = wire_get_required(in);
    if (verb != APPROVAL_SETTLE || !wire_done(in))
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "an approval service has no verb %u", verb);
    return c->plugin->settle(c->state, id, outcome, deadline, err);
}

static int take_decision(void *arg, const lb_decision *decision, lb_error *err)
{
    buf *news = arg;
    size_t mark = service_news_begin(news);
    wire_put_str(news, decision->id);
    wire_put_i64(news, decision->revision);
    wire_put_bool(news, decision->approved);
    wire_put_str(news, decision->by);
    wire_put_str(news, decision->because);
    wire_put_i64(news, decision->at);
    service_news_end(news, mark);
    return news->overflow ? lb_fail(err, LB_ERR_LIMIT, NULL, "too many decisions at once") : 0;
}

/* What is there now; waiting is for the process, which has asks to hear. */
static int64_t collect(void *state, buf *news)
{
    channel *c = state;
    lb_error error;
    size_t before = news->length;
    int r = c->plugin->collect(c->state, clock_monotonic() + COLLECT_TIME, take_decision, news, &error);
    if (r < 0 && error.code == LB_ERR_TIMEOUT) /* nothing came by now: that is no trouble */
        r = 0;
    if (r < 0) {
        buf_cut(news, before);
        return TROUBLE_GAP;
    }
    bool wakes =
        LB_HAS(c->plugin, lb_approval, descriptor) && c->plugin->descriptor && c->plugin->descriptor(c->state) >= 0;
    return wakes ? TROUBLE_GAP : LOOK_GAP;
}

static int watch_channel(void *state)
{
    channel *c = state;
    return LB_HAS(c->plugin, lb_approval, descriptor) && c->plugin->descriptor ? c->plugin->descriptor(c->state) : -1;
}

const service_driver service_approval_driver = {
    .kind = LB_KIND_APPROVAL,
    .ops_bytes = APPROVAL_BYTES,
    .open = open_channel,
    .close = close_channel,
    .handle = handle_channel,
    .idle = collect,
    .watch = watch_channel,
};

/* ---- alerts ---- */

typedef struct sender {
    const lb_alert *plugin;
    void *state;
} sender;

static int open_sender(const service_env *env, void **ret_state, buf *greeting, lb_error *err)
{
    sender *s = base_alloc(sizeof *s);
    bool opens_alone = strcmp(service_setting(env, "passive", "0"), "1") == 0;
    int64_t deadline = clock_monotonic() + (opens_alone ? 0 : OPEN_TIME);
    s->plugin = env->ops;
    (void)greeting; /* there is nothing to say */
    int r = s->plugin->open(env->host, env->args, env->state_dir, deadline, &s->state, err);
    if (r < 0) {
        free(s);
        return r;
    }
    *ret_state = s;
    return 0;
}

static void close_sender(void *state)
{
    sender *s = state;
    s->plugin->close(s->state);
    free(s);
}

void people_put_note(buf *out, const lb_alert_note *note)
{
    wire_put_str(out, note->id);
    wire_put_str(out, note->key);
    wire_put_str(out, note->change);
    wire_put_str(out, note->severity);
    wire_put_str(out, note->text);
    wire_put_str(out, note->document);
    wire_put_i64(out, note->at);
}

static int handle_sender(void *state, uint32_t verb, wire_reader *in, int64_t deadline, buf *out, lb_error *err)
{
    sender *s = state;
    lb_alert_note note = {.size = sizeof note};
    lb_alert_receipt receipt = {0};
    note.id = wire_get_required(in);
    note.key = wire_get_required(in);
    note.change = wire_get_required(in);
    note.severity = wire_get_required(in);
    note.text = wire_get_required(in);
    note.document = wire_get_required(in);
    note.at = wire_get_i64(in);
    if (verb != ALERT_SEND || !wire_done(in))
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "an alert service has no verb %u", verb);
    int r = s->plugin->send(s->state, &note, deadline, &receipt, err);
    if (r < 0)
        return r;
    wire_put_u32(out, (uint32_t)receipt.outcome);
    wire_put_i64(out, receipt.retry_after_us);
    wire_put_str(out, receipt.why);
    return 0;
}

const service_driver service_alert_driver = {
    .kind = LB_KIND_ALERT,
    .ops_bytes = ALERT_BYTES,
    .open = open_sender,
    .close = close_sender,
    .handle = handle_sender,
};
