/* journal.h: what was going to be done, findable until the end of its run is durable, whoever is killed when.
 *
 * The outbox holds the audit log's rows only until the delta service has taken them. So each file of intents or
 * outcomes that the door writes there is linked into state_dir/journal too, as <run>-<outbox id>.intent or .outcome,
 * where <run> is the run that the supervisor asked for. journal.c says what can be known after a crash at each point.
 * [supervisor; it reads and syncs files, so not on the loop] */
#ifndef LBOPS_HOST_JOURNAL_H
#define LBOPS_HOST_JOURNAL_H

#include "clock.h"

typedef struct journal journal;

/* Makes state_dir/journal where it is missing. The outbox is state_dir/outbox. */
LB_MUST_CHECK int journal_open(const char *state_dir, journal **ret_journal, lb_error *err);
journal *journal_close(journal *j); /* NULL is fine */

typedef struct journal_change {
    const char *audit_id, *run_id; /* the run that made the change: that of the entry, or one that it called */
    const char *tool, *kind, *statement, *group_title, *actor;
    const char *project, *branch;        /* or NULL */
    const char *approval_id;             /* or NULL */
    const char *outcome, *error_message; /* outcome NULL: nobody has said yet */
} journal_change;

typedef enum journal_state {
    JOURNAL_NOTHING, /* no change was begun */
    JOURNAL_KNOWN,   /* the outcome of each is known */
    JOURNAL_UNKNOWN  /* some were begun, and nobody knows what became of them: look */
} journal_state;

typedef struct journal_run {
    const char *run_id;
    const journal_change *changes; /* in the order they were written down */
    size_t count, unknown;         /* how many nobody knows about */
    journal_state state;
} journal_run;

/* Texts live until the callback returns. */
typedef void (*journal_each)(void *state, const journal_run *run);

/* Tells of each run in the journal and changes nothing. */
LB_MUST_CHECK int journal_scan(journal *j, journal_each each, void *state, lb_error *err);

typedef enum journal_life {
    JOURNAL_ALIVE, /* its worker may still write: leave it alone */
    JOURNAL_DEAD,  /* nobody works on it any more, and its end is not durable yet */
    JOURNAL_ENDED  /* its end is durable: it only has to be forgotten */
} journal_life;

/* After a crash, before anything new is started. For each dead run: finishes what its worker had begun to write,
 * writes the outcome of the changes that have none (not_reached where none was begun, else unknown) and tells what is
 * known then; for ended ones: forgets them. Sweeps the outbox of half-written files that mean nothing: it takes the
 * place of outbox_sweep. Can be killed and repeated at any point. */
LB_MUST_CHECK int journal_recover(journal *j, journal_life (*life)(void *state, const char *run_id), journal_each each,
                                  void *state, lb_error *err);

/* The same for one run whose worker has just died. each is called once if the journal has the run. */
LB_MUST_CHECK int journal_recover_run(journal *j, const char *run_id, journal_each each, void *state, lb_error *err);

/* The end of the run is durable: takes its links away. A run that is not there is fine. */
LB_MUST_CHECK int journal_forget(journal *j, const char *run_id, lb_error *err);

#endif
