/* book.h: the book of runs in the state service: a run is begun there before it starts and ended there before anybody
 * hears of its end, so that each run has exactly one final state whatever is killed. It knows who this host is, keeps
 * the host's lease, and closes what hosts that died have left open. [supervisor] */
#ifndef LBOPS_HOST_BOOK_H
#define LBOPS_HOST_BOOK_H

#include "host_id.h"
#include "journal.h"
#include "pool.h"
#include "state_client.h"

#define BOOK_RUNNING "running" /* a document per run that has begun and not ended, and ... */
#define BOOK_RUNS    "run"     /* ... one per run that has: inserted once, so that no run ends twice */

#define BOOK_HOSTS "host" /* in the state: a lease for each process of ours that is there */

typedef struct book book;

/* A run that a host left open when it died: an outcome made of what is known. document is its state document. */
typedef struct book_lost {
    const run_outcome *outcome;
    const journal_run *journal; /* NULL: nothing was begun, or the journal is on another machine */
    bool is_elsewhere;
    const char *origin; /* what was given with its beginning, or NULL */
} book_lost;

typedef struct book_hooks {
    void *state;
    /* Everything that others left behind is settled, and runs may begin; or why they cannot. Once. */
    void (*ready)(void *state, const lb_error *error);
    /* Adds what else belongs to this end to its transaction (state_op), and notes the end elsewhere. */
    void (*lost)(void *state, const book_lost *lost);
    /* The service went down (error) or came back (NULL). */
    void (*service)(void *state, const lb_error *error, int failures);
    /* A run that ended, whose row of history was perhaps not written any more. */
    void (*unrecorded)(void *state, const run_outcome *outcome);
} book_hooks;

typedef struct book_options {
    struct ev_loop *loop;
    const service_options *service; /* its hooks are the book's own */
    const char *state_dir;
    bool one_shot; /* gives up after a while instead of waiting for ever */
    book_hooks hooks;
} book_options;

LB_MUST_CHECK int book_new(const book_options *options, book **ret_book, lb_error *err);
void book_goodbye(book *b); /* all runs have ended: gives the lease back. Then the loop until nothing is pending. */
book *book_free(book *b);

state_client *book_state(book *b);
service *book_service(book *b);
journal *book_journal(book *b);
bool book_is_shared(const book *b); /* other hosts may use the same store */
bool book_is_ready(const book *b);

/* Adds the run to the open transaction of book_state: its insertion. key: what started it, or NULL; origin: a JSON
 * object that goes into the document, or NULL. */
void book_put_begin(book *b, const run_request *request, const char *origin);
/* Its end, with what came of it. number: rises by one with each end of this host. */
void book_put_end(book *b, const run_outcome *outcome, const char *origin, int64_t number);
/* All ends up to this number have their row of history. */
void book_recorded(book *b, int64_t number);

#endif
