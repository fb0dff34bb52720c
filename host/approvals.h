/* approvals.h: what waits for a person: asked by runs, decided by people, executed once. The state service holds the
 * truth; each step is one transaction on the version that was read, so that of two who decide at the same moment one is
 * told that it has been decided. [supervisor]
 *
 * approval   one document per request, small: who asks for what, until when, who said what, how it stands
 *            (pending, approved, executing, executed, failed, unknown, denied, expired, replaced)
 * document   the worker's approval document (approval_doc.h) under the same key
 * subject    per subject the last request and what became of it: it is how a repeated proposal and a denied one are
 *            known again */
#ifndef LBOPS_HOST_APPROVALS_H
#define LBOPS_HOST_APPROVALS_H

#include "book.h"
#include "manifest.h"

typedef struct approvals approvals;

#define APPROVALS_SPACE   "approval"
#define APPROVAL_DOCUMENT "document"
#define APPROVAL_SUBJECT  "subject"

/* An approved group on its way: what the run that executes it carries along, and what its end needs. */
typedef struct approval_ticket {
    char id[ID_TEXT];
    int64_t version; /* of the request when it was read: what its beginning is conditional on */
    char *record;    /* its document */
} approval_ticket;

/* The run that executes what was approved: everything is borrowed for the call. put_claims adds the operations that
 * make it once; refused is called instead of the run's end when somebody else was faster. */
typedef struct approval_order {
    const char *id, *document;
    lb_target target;
    const char *actor, *reason;
    approval_ticket ticket;
} approval_order;

typedef struct approvals_hooks {
    void *state;
    void (*event)(void *state, const char *kind, const lb_target *target, const char *run_id, const lb_value *payload);
    void (*row)(void *state, const lb_value *values, const lb_target *target, const char *run_id);
    /* Begins the run; it owns the ticket's record from then on. */
    int (*execute)(void *state, const approval_order *order, run_watch watch, lb_error *err);
    /* For the channel to people: a request that waits (document: the public one), and one that does so no more. Either
     * may be NULL. */
    void (*publish)(void *state, const char *id, const char *record);
    void (*settle)(void *state, const char *id, const char *record);
} approvals_hooks;

approvals *approvals_new(struct ev_loop *loop, book *b, const manifest *m, const approvals_hooks *hooks);
approvals *approvals_free(approvals *a);
void approvals_use(approvals *a, const manifest *m); /* after a reload */

/* ---- asking ---- */

typedef enum approval_asked { APPROVAL_NEW = 1, APPROVAL_KNOWN, APPROVAL_DENIED_BEFORE } approval_asked;

typedef struct approval_answer {
    approval_asked asked;
    const char *id;   /* of the request, or of the one that was denied */
    const char *text; /* one sentence for people */
} approval_answer;

typedef void (*approvals_answered)(void *owner, void *tag, const approval_answer *answer, const lb_error *error);
void approvals_ask(approvals *a, const char *document, approvals_answered answered, void *owner, void *tag);

/* ---- deciding ---- */

typedef struct approval_decision {
    const char *id;   /* or a beginning of it that only one request has */
    int64_t revision; /* of the request that was decided on; 0: as it stands now */
    bool approve;
    const char *name, *reason;
    const char *via; /* "uid 1000", "approval_postgres" */
    run_watch watch; /* of the run that executes it */
} approval_decision;

typedef enum approval_decided {
    APPROVAL_DENIED = 1,
    APPROVAL_HALF /* a second person is needed */,
    APPROVAL_EXECUTING
} approval_decided;
/* record: the request as it stands now. */
typedef void (*approvals_decided)(void *owner, void *tag, approval_decided decided, const char *record,
                                  const lb_error *error);
void approvals_decide(approvals *a, const approval_decision *decision, approvals_decided decided, void *owner,
                      void *tag);

/* Starts what was approved and not executed, since the host died in between. */
void approvals_go_on(approvals *a);

/* Nobody is asked about a branch that is not there any more: what waits there expires. Requests from that moment on are
 * of one that has its name now. */
void approvals_leave(approvals *a, const char *project, const char *branch, int64_t before);
/* The same for each branch that the caller says is gone; state lives as long as the approvals. */
typedef bool approvals_gone(void *state, const char *project, const char *branch);
void approvals_leave_each(approvals *a, approvals_gone *is_gone, void *state);

/* ---- the end of its run: operations for the open transaction of the state ---- */

void approvals_put_begin(approvals *a, const approval_order *order, const char *run_id);
void approvals_put_end(approvals *a, const approval_ticket *ticket, const run_outcome *outcome);
void approvals_put_lost(approvals *a, const book_lost *lost);

#endif
