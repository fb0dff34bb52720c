#include "cycle_memory.h"

#include "clock.h"
#include "json.h"
#include "service_state.h"
#include "text_map.h"

#define CYCLES     "cycle"
#define RUNS       "cycle_run"
#define OPEN       "open"
#define DONE       "done"
#define BEGUN      "begun"
#define KEPT       (INT64_C(30) * 86400 * CLOCK_SECOND) /* a cycle that was cut short longer ago is nothing to go on with */
#define PRUNED_RUN 20000                                /* more than a cycle of 50 projects begins */

struct cycle_memory {
    state_client *state;
    char id[ID_TEXT];
    text_map begun;
    char *agent;
    cycle_recalled recalled;
    cycle_closed closed;
    void *tag;
};

cycle_memory *cycle_memory_new(state_client *state)
{
    cycle_memory *m = base_alloc(sizeof *m);
    m->state = state;
    return m;
}

cycle_memory *cycle_memory_free(cycle_memory *m)
{
    if (!m)
        return NULL;
    text_map_done(&m->begun);
    free(m->agent);
    free(m);
    return NULL;
}

const char *cycle_memory_id(const cycle_memory *m)
{
    return m->id;
}

/* ---- a new one ---- */

static void no_matter(void *owner, void *tag, int failed, int64_t version, const lb_error *error)
{
    (void)owner, (void)tag, (void)failed, (void)version, (void)error; /* without it the cycle cannot be resumed */
}

static void put(cycle_memory *m, const char *status, state_decided decided)
{
    BUF_AUTO body = BUF_INIT((size_t)16 * 1024);
    buf_putc(&body, '{');
    json_member_string(&body, "agent", m->agent);
    buf_putc(&body, '}');
    state_begin(m->state, decided, m, NULL);
    state_op(m->state, &(lb_state_op){.verb = LB_STATE_PUT,
                                      .space = CYCLES,
                                      .key = m->id,
                                      .status = status,
                                      .at = clock_now(),
                                      .body = buf_text(&body)});
    state_end(m->state);
}

void cycle_memory_open(cycle_memory *m, const char *agent)
{
    int64_t before = clock_now() - KEPT;
    id_new(m->id);
    m->agent = base_strdup(agent);
    put(m, OPEN, no_matter);
    state_prune(m->state, RUNS, BEGUN, before, PRUNED_RUN);
    state_prune(m->state, CYCLES, DONE, before, PRUNED_RUN);
    state_prune(m->state, CYCLES, OPEN, before, PRUNED_RUN);
}

/* ---- one that was cut short ---- */

static void on_runs(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    cycle_memory *m = owner;
    lb_state_doc doc;
    (void)tag;
    while (!error && state_get_doc(docs, &doc))
        text_map_put(&m->begun, doc.key, 1);
    m->recalled(m->tag, m->agent, error);
}

static void on_cycles(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    cycle_memory *m = owner;
    lb_state_doc doc;
    lb_error err;
    (void)tag;
    if (!error && state_get_doc(docs, &doc)) {
        JSON_AUTO *body = json_parse(doc.body, strlen(doc.body), &err);
        (void)snprintf(m->id, sizeof m->id, "%s", doc.key);
        m->agent = base_strdup(json_get_text(body, "agent"));
        const lb_state_query runs = {.size = sizeof runs, .space = RUNS, .key_prefix = m->id};
        state_list(m->state, &runs, on_runs, m, NULL);
        return;
    }
    (void)lb_fail(&err, LB_ERR_NOT_FOUND, "lbops cycle begins one", "no cycle was cut short");
    m->recalled(m->tag, NULL, error ? error : &err);
}

void cycle_memory_recall(cycle_memory *m, cycle_recalled recalled, void *tag)
{
    const lb_state_query open = {.size = sizeof open,
                                 .space = CYCLES,
                                 .status = OPEN,
                                 .at_from = clock_now() - KEPT,
                                 .newest_first = true,
                                 .limit = 1};
    m->recalled = recalled;
    m->tag = tag;
    state_list(m->state, &open, on_cycles, m, NULL);
}

/* ---- its runs ---- */

char *cycle_memory_key(const cycle_memory *m, const char *agent, const char *tool, const char *project,
                       const char *branch)
{
    return m ? base_printf("%s/%s/%s/%s/%s", m->id, agent ? agent : "", tool, project ? project : "",
                           branch ? branch : "")
             : NULL;
}

bool cycle_memory_has(const cycle_memory *m, const char *key)
{
    return m && text_map_get(&m->begun, key, 0) != 0;
}

void cycle_memory_claim(const char *key, lb_state_op *ret_claim)
{
    *ret_claim = (lb_state_op){
        .verb = LB_STATE_INSERT, .space = RUNS, .key = key ? key : "", .status = BEGUN, .at = clock_now()};
}

void cycle_memory_forget(cycle_memory *m, const char *key)
{
    state_begin(m->state, no_matter, m, NULL);
    state_op(m->state, &(lb_state_op){.verb = LB_STATE_REMOVE, .space = RUNS, .key = key});
    state_end(m->state);
}

/* ---- its end ---- */

static void on_closed(void *owner, void *tag, int failed, int64_t version, const lb_error *error)
{
    cycle_memory *m = owner;
    (void)tag, (void)failed, (void)version; /* nothing is expected of it */
    m->closed(m->tag, error);
}

void cycle_memory_close(cycle_memory *m, cycle_closed closed, void *tag)
{
    m->closed = closed;
    m->tag = tag;
    put(m, DONE, on_closed);
}
