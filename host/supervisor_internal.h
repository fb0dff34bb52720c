/* supervisor_internal.h: the inside of the supervisor, for its files. Nobody else includes this. */
#ifndef LBOPS_HOST_SUPERVISOR_INTERNAL_H
#define LBOPS_HOST_SUPERVISOR_INTERNAL_H

#include "json.h"
#include "supervisor.h"
#include "unseen.h"

#define MEMORY_SPACE       "memory" /* a document per tool that remembers, and target */
#define APPROVED_TIMEOUT_S 3600     /* for what a person has approved */

/* One approval that a run asks for. */
typedef struct running_ask {
    struct running *run;
    char *document;
    approval_asked asked; /* once it is answered */
} running_ask;

/* A run on its way: the request and everything that it borrows, in one arena. */
typedef struct running {
    run_request request; /* first: the pool hands it back */
    supervisor *supervisor;
    arena memory;
    run_watch watch;
    const char *origin;
    uint64_t cause;
    uint32_t depth;
    char *memory_key;              /* of its tool's memory; NULL: it remembers nothing */
    buf claims;                    /* operations as they travel, until it is begun */
    struct running *next;          /* of those that wait for the state to be ready */
    struct running *newer, *older; /* of all of them */
    bool is_cancelled;             /* before it was in the pool */
    bool is_told;                  /* its end; no longer among the pending ones */
    bool has_ticket;               /* it executes what was approved */
    approval_ticket ticket;

    run_outcome outcome; /* once it has ended, until its end is durable */
    int64_t end_number;
    running_ask *asks; /* what it asks for; complete before the first one is sent */
    size_t ask_count, ask_capacity, asks_open;
    size_t asks_waiting, asks_denied;
    buf answers;                /* what became of them, a JSON array */
    struct json_object *events; /* that are not in the log yet, from event_at on */
    size_t event_at;
    struct running *next_event; /* of those that wait for room in the log */
} running;

struct supervisor {
    const manifest *manifest;
    const registry *registry;
    struct ev_loop *loop;
    supervisor_hooks hooks;
    bool daemon, is_ready, is_dead;
    lb_error dead;
    int wanted_workers;
    lb_level log_level;
    char *program;
    pool *pool;
    pool **retired; /* of manifests before: they end what they have */
    size_t retired_count, retired_capacity;
    ev_timer reap, listen;
    ledger *ledger;
    book *book;
    approvals *approvals;
    chronicle *chronicle;
    suspend_book *suspended;
    unseen_book *unseen;
    char *outbox_dir, *journal_dir, *events_dir;
    running *newest;
    running *waiting, **waiting_end; /* for the state */
    running *no_room, **no_room_end; /* for the log of events */
    service *history;                /* the delta service; NULL: none yet */
    bool owns_history;
    service *lake;                      /* a delta service that is asked for the lakehouse alone; NULL: not yet */
    struct history_question *questions; /* that it has not answered */
    size_t pending;
    int64_t ends, recorded;
};

/* supervisor.c */
void supervisor_reap(supervisor *s); /* pools that have nothing left are let go */

/* supervisor_setup.c */
LB_MUST_CHECK int supervisor_setup(const supervisor *s, arena *memory, worker_setup *ret_setup, lb_error *err);
LB_MUST_CHECK int supervisor_open_book(supervisor *s, const book_hooks *hooks, lb_error *err);

/* supervisor_begin.c */
running *supervisor_running_free(running *r);
void supervisor_begin_waiting(supervisor *s);
LB_MUST_CHECK int supervisor_execute(void *state, const approval_order *order, run_watch watch, lb_error *err);

/* supervisor_history.c */
void supervisor_on_history(void *state, const run_request *request, uint32_t number, int64_t deadline,
                           wire_reader *question);
void supervisor_on_lake(void *state, const run_request *request, uint32_t number, int64_t deadline,
                        wire_reader *question);
void supervisor_history_forget(supervisor *s, const char *run_id); /* it has ended: nobody waits */
void supervisor_history_close(supervisor *s);

/* What the state has to hear of what is seen: of the tool, and of the target whoever looks. */
typedef struct sight_moves {
    unseen_look looks[2];
    size_t count;
} sight_moves;

/* supervisor_sight.c: tells what begins or ends, and what the state has to hear of */
void supervisor_judge_sight(supervisor *s, const running *r, sight_moves *ret_moves);

/* supervisor_end.c */
void supervisor_tell(running *r); /* its asker hears of its end */
void supervisor_on_ended(void *state, const run_outcome *outcome);
void supervisor_on_asked(void *state, const run_request *request, const char *document);
void supervisor_on_durable_row(void *state, void *tag, const lb_error *error);
void supervisor_room(supervisor *s); /* there is room in the log again */
void supervisor_end(running *r);     /* its outcome is filled in */

#endif
