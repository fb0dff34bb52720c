/* Questions of runs to the history: from a worker to the delta service, and the answer back in pieces. The daemon has a
 * service; a supervisor of one run starts one when it is first asked for. What is asked of the lakehouse goes to a
 * process of its own: it may read far more than the history holds, and must hold up no commit. */
#include "supervisor_internal.h"

#include "fs.h"
#include "log.h"
#include "outbox_read.h"
#include "question.h"
#include "service_delta.h"
#include "service_start.h"

#define DEFAULT_PLUGIN "delta_local"
#define LONGEST        (300 * CLOCK_SECOND)  /* one question keeps others waiting */
#define LONGEST_LAKE   (3600 * CLOCK_SECOND) /* and these only each other */
#define DEATHS         3                     /* of the service, before its questions are given up */

typedef struct history_question {
    supervisor *supervisor;
    struct history_question *next;
    service *asked;
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
    (void)lb_wrap(&error,
                  q->asked == q->supervisor->lake ? "the lakehouse cannot be asked" : "the history cannot be asked");
    service_withdraw(q->asked, q);
    answer_error(q->supervisor, q->run_id, q->number, &error);
    free_question(q);
}

/* One death is mended by the next process, which gets the questions again. A question may be what kills them. */
static void service_is_down(supervisor *s, const service *which, const lb_error *why, int failures)
{
    for (history_question *q = s->questions, *next; q; q = next) {
        next = q->next;
        if (q->asked != which)
            continue;
        if (++q->deaths >= DEATHS || failures >= DEATHS)
            give_up(q, why);
    }
}

void supervisor_history_down(supervisor *s, const lb_error *why, int failures)
{
    service_is_down(s, s->history, why, failures);
}

static void on_down(void *state, service *which, const lb_error *why, int failures)
{
    service_is_down(state, which, why, failures);
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

static int start_own(supervisor *s, service **ret_service, lb_error *err)
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
    return service_start_named(&wish, ret_service, err);
}

static int check_service(const service *which, const char *what, lb_error *err)
{
    if (!which)
        return fail_none(err);
    if (service_failures(which) < DEATHS)
        return 0;
    *err = *service_trouble(which);
    return lb_wrap(err, what);
}

/* A daemon has started its own, or there is none. */
static int find_service(supervisor *s, lb_error *err)
{
    int r = 0;
    if (!s->history && !s->daemon) {
        r = check_there_is_one(s, err);
        if (r >= 0)
            r = start_own(s, &s->history, err);
        s->owns_history = s->history != NULL;
    }
    return r < 0 ? r : check_service(s->history, "the history cannot be asked", err);
}

static int find_lake(supervisor *s, lb_error *err)
{
    int r = s->lake ? 0 : start_own(s, &s->lake, err);
    return r < 0 ? r : check_service(s->lake, "the lakehouse cannot be asked", err);
}

/* ---- from the worker ---- */

typedef struct lane {
    service *to;
    uint32_t verb;
    int64_t longest;
} lane;

static int pass_on(supervisor *s, const lane *way, const char *run_id, uint32_t number, int64_t deadline,
                   wire_reader *body, lb_error *err)
{
    int64_t left = deadline - clock_monotonic();
    if (left <= 0)
        return lb_fail(err, LB_ERR_TIMEOUT, "give the tool a larger timeout_s in the manifest",
                       "no time is left to ask the history");
    history_question *q = base_alloc(sizeof *q);
    buf *out = service_begin(way->to, way->verb, left < way->longest ? left : way->longest, on_answer, s, q, err);
    if (!out) {
        free(q);
        return err->code;
    }
    *q = (history_question){.supervisor = s, .next = s->questions, .asked = way->to, .number = number};
    (void)snprintf(q->run_id, sizeof q->run_id, "%s", run_id); /* an id of ours */
    s->questions = q;
    wire_put_rest(out, body);
    service_pieces(way->to, on_piece);
    service_end(way->to);
    return 0;
}

void supervisor_on_history(void *state, const run_request *request, uint32_t number, int64_t deadline,
                           wire_reader *question)
{
    supervisor *s = state;
    lb_error error;
    supervisor_history_forget(s, request->id); /* a worker waits for one at a time */
    int r = find_service(s, &error);
    if (r >= 0) {
        const lane way = {.to = s->history, .verb = DELTA_ASK, .longest = LONGEST};
        r = pass_on(s, &way, request->id, number, deadline, question, &error);
    }
    if (r < 0)
        answer_error(s, request->id, number, &error);
}

void supervisor_on_lake(void *state, const run_request *request, uint32_t number, int64_t deadline,
                        wire_reader *question)
{
    supervisor *s = state;
    lb_error error;
    uint32_t verb = wire_get_u32(question);
    supervisor_history_forget(s, request->id);
    int r = verb >= DELTA_LAKE_ASK && verb <= DELTA_LAKE_MERGE
                ? find_lake(s, &error)
                : lb_fail(&error, LB_ERR_INTERNAL, NULL, "the lakehouse knows no verb %u", verb);
    if (r >= 0) {
        const lane way = {.to = s->lake, .verb = verb, .longest = LONGEST_LAKE};
        r = pass_on(s, &way, request->id, number, deadline, question, &error);
    }
    if (r < 0)
        answer_error(s, request->id, number, &error);
}

void supervisor_history_forget(supervisor *s, const char *run_id)
{
    for (history_question *q = s->questions, *next; q; q = next) {
        next = q->next;
        if (strcmp(q->run_id, run_id) != 0)
            continue;
        service_withdraw(q->asked, q);
        free_question(q);
    }
}

void supervisor_history_close(supervisor *s)
{
    for (history_question *q = s->questions, *next; q; q = next) { /* their runs have ended: this is for safety */
        next = q->next;
        service_withdraw(q->asked, q);
        free_question(q);
    }
    s->history = s->owns_history ? service_free(s->history) : NULL;
    s->lake = service_free(s->lake); /* NULL is fine */
}
