/* Questions of runs to the history: from a worker to the delta service, and the answer back in pieces. The daemon has a
 * service; a supervisor of one run starts one when it is first asked for. */
#include "supervisor_internal.h"

#include "fs.h"
#include "log.h"
#include "outbox_read.h"
#include "question.h"
#include "service_delta.h"
#include "service_start.h"

#define DEFAULT_PLUGIN "delta_local"
#define LONGEST        (300 * CLOCK_SECOND) /* one question keeps others waiting */
#define DEATHS         3                    /* of the service, before its questions are given up */

typedef struct history_question {
    supervisor *supervisor;
    struct history_question *next;
    char run_id[ID_TEXT];
    uint32_t number;
    int deaths; /* of the service while it had the question */
} history_question;

/* ---- to the worker ---- */

static void answer(supervisor *s, const char *run_id, const buf *frame)
{
    bool found = s->pool && pool_answer(s->pool, run_id, frame);
    for (size_t i = 0; !found && i < s->retired_count; i++)
        found = pool_answer(s->retired[i], run_id, frame);
}

static void answer_error(supervisor *s, const char *run_id, uint32_t number, const lb_error *error)
{
    BUF_AUTO frame = BUF_INIT(WIRE_FRAME_LIMIT);
    size_t mark = wire_begin(&frame, WIRE_HISTORY_END);
    wire_put_u32(&frame, number);
    wire_put_u32(&frame, (uint32_t)-error->code);
    wire_put_str(&frame, error->sqlstate);
    wire_put_str(&frame, error->message);
    wire_put_str(&frame, error->hint);
    wire_end(&frame, mark);
    answer(s, run_id, &frame);
}

static void free_question(history_question *q)
{
    history_question **link = &q->supervisor->questions;
    while (*link != q)
        link = &(*link)->next;
    *link = q->next;
    free(q);
}

static void on_piece(void *owner, void *tag, wire_reader *piece)
{
    const history_question *q = tag;
    BUF_AUTO frame = BUF_INIT(WIRE_FRAME_LIMIT);
    size_t mark = wire_begin(&frame, WIRE_HISTORY_PIECE);
    wire_put_u32(&frame, q->number);
    wire_put_rest(&frame, piece);
    wire_end(&frame, mark);
    if (!frame.overflow) /* the end tells how many there were */
        answer(owner, q->run_id, &frame);
}

static void on_answer(void *owner, void *tag, wire_reader *fields, const lb_error *error)
{
    supervisor *s = owner;
    history_question *q = tag;
    if (error) {
        answer_error(s, q->run_id, q->number, error);
    } else {
        BUF_AUTO frame = BUF_INIT(WIRE_FRAME_LIMIT);
        size_t mark = wire_begin(&frame, WIRE_HISTORY_END);
        wire_put_u32(&frame, q->number);
        wire_put_u32(&frame, 0);
        wire_put_rest(&frame, fields);
        wire_end(&frame, mark);
        answer(s, q->run_id, &frame);
    }
    free_question(q);
}

/* ---- the service ---- */

static void give_up(history_question *q, const lb_error *why)
{
    lb_error error = *why;
    if (!error.hint[0])
        (void)snprintf(error.hint, sizeof error.hint, "see why: lbops events --kind 'service.*'"); /* short */
    (void)lb_wrap(&error, "the history cannot be asked"); /* its code is the same */
    service_withdraw(q->supervisor->history, q);
    answer_error(q->supervisor, q->run_id, q->number, &error);
    free_question(q);
}

/* One death is mended by the next process, which gets the questions again. A question may be what kills them. */
void supervisor_history_down(supervisor *s, const lb_error *why, int failures)
{
    for (history_question *q = s->questions, *next; q; q = next) {
        next = q->next;
        if (++q->deaths >= DEATHS || failures >= DEATHS)
            give_up(q, why);
    }
}

static void on_down(void *state, service *which, const lb_error *why, int failures)
{
    (void)which; /* it is the only one */
    supervisor_history_down(state, why, failures);
}

void supervisor_use_history(supervisor *s, service *history)
{
    s->history = history;
}

static int fail_none(lb_error *err)
{
    return lb_fail(err, LB_ERR_UNSUPPORTED, "name one under [services.delta], or build delta_local",
                   "there is no delta service to ask for history");
}

/* Where nothing is configured, an empty answer would be taken for one. */
static int check_there_is_one(const supervisor *s, lb_error *err)
{
    if (manifest_find_service(s->manifest, LB_KIND_DELTA))
        return 0;
    LB_AUTO_FREE char *history = base_printf("%s/history", s->manifest->state_dir);
    int64_t waiting = 0;
    if (access(history, F_OK) == 0 || (outbox_size(s->outbox_dir, &waiting, err) >= 0 && waiting > 0))
        return 0;
    return lb_fail(err, LB_ERR_NOT_FOUND,
                   "name a manifest (-m) whose workspace has one, or ask again when runs have left one",
                   "there is no history in %.180s", s->manifest->state_dir);
}

/* A daemon has started its own, or there is none. */
static int find_service(supervisor *s, lb_error *err)
{
    const service_wish wish = {.manifest = s->manifest,
                               .registry = s->registry,
                               .loop = s->loop,
                               .program = s->program,
                               .kind = LB_KIND_DELTA,
                               .fallback = DEFAULT_PLUGIN,
                               .passive = true,
                               .log_level = s->log_level,
                               .hooks = {.state = s, .down = on_down}};
    int r = 0;
    if (!s->history && !s->daemon) {
        r = check_there_is_one(s, err);
        if (r >= 0)
            r = service_start_named(&wish, &s->history, err);
        s->owns_history = s->history != NULL;
    }
    if (r < 0)
        return r;
    if (!s->history)
        return fail_none(err);
    if (service_failures(s->history) < DEATHS)
        return 0;
    *err = *service_trouble(s->history);
    return lb_wrap(err, "the history cannot be asked");
}

/* ---- from the worker ---- */

static int pass_on(supervisor *s, const char *run_id, uint32_t number, int64_t deadline, wire_reader *body,
                   lb_error *err)
{
    int64_t left = deadline - clock_monotonic();
    if (find_service(s, err) < 0)
        return err->code;
    if (left <= 0)
        return lb_fail(err, LB_ERR_TIMEOUT, "give the tool a larger timeout_s in the manifest",
                       "no time is left to ask the history");
    history_question *q = base_alloc(sizeof *q);
    buf *out = service_begin(s->history, DELTA_ASK, left < LONGEST ? left : LONGEST, on_answer, s, q, err);
    if (!out) {
        free(q);
        return err->code;
    }
    *q = (history_question){.supervisor = s, .next = s->questions, .number = number};
    (void)snprintf(q->run_id, sizeof q->run_id, "%s", run_id); /* an id of ours */
    s->questions = q;
    wire_put_rest(out, body);
    service_pieces(s->history, on_piece);
    service_end(s->history);
    return 0;
}

void supervisor_on_history(void *state, const run_request *request, uint32_t number, int64_t deadline,
                           wire_reader *question)
{
    supervisor *s = state;
    lb_error error;
    supervisor_history_forget(s, request->id); /* a worker waits for one at a time */
    if (pass_on(s, request->id, number, deadline, question, &error) < 0)
        answer_error(s, request->id, number, &error);
}

void supervisor_history_forget(supervisor *s, const char *run_id)
{
    for (history_question *q = s->questions, *next; q; q = next) {
        next = q->next;
        if (strcmp(q->run_id, run_id) != 0)
            continue;
        service_withdraw(s->history, q);
        free_question(q);
    }
}

void supervisor_history_close(supervisor *s)
{
    for (history_question *q = s->questions, *next; q; q = next) { /* their runs have ended: this is for safety */
        next = q->next;
        service_withdraw(s->history, q);
        free_question(q);
    }
    s->history = s->owns_history ? service_free(s->history) : NULL;
}
