/* door.h: what the files of the one door (door, door_execute, door_audit) share: groups and their changes. */
#ifndef LBOPS_HOST_DOOR_H
#define LBOPS_HOST_DOOR_H

#include "approval_doc.h"
#include "run_state.h"

#define DOOR_CHANGES 10000 /* in one run */

typedef struct change {
    struct change *next;
    struct lb_group *group;
    change_kind kind;
    effect_verdict verdict;
    const char *statement; /* for people: SQL, "DELETE projects/a/branches/b", "write PATH", a command line */
    const lb_sql *sql;
    const lb_value *args;
    const char *service; /* a web service's name, for its requests; NULL: the control plane's */
    const lb_request *request;
    const char *path, *content;
    const char *const *argv;
    const lb_lake_append *lake;   /* with the types of the lakehouse; its rows are `sql` */
    struct door_program *program; /* NULL: nothing is lent to it */
    uint32_t index;               /* in the supervisor's list */
    change_outcome outcome;
    int64_t rows, duration_us;
    int64_t began, log_bytes, noticed; /* where the group is measured; 0: not begun. -1: not known */
    lb_error error;
    struct door_rest *rest; /* NULL: it is none */
    bool stands;            /* an earlier try of the group did it, outside of the transaction: it is not done again */
    char audit_id[ID_TEXT];
} change;

typedef struct door_note {
    struct door_note *next;
    approval_note note;
} door_note;

struct lb_group {
    struct lb_group *next; /* of the run */
    run_state *run;
    const char *title, *reason, *undo, *undone_by;
    const lb_value *evidence;
    bool atomic, bounded, asks, decided;
    change *first, **last;
    uint32_t count;
    door_note *notes, **last_note; /* for when a person has approved it */
    uint32_t note_count;
    gate_answer answer;
    int64_t rows;
    const char *reply;
    struct door_heard *heard;     /* NULL: nobody listens */
    struct door_measure *measure; /* NULL: nobody measures */
    struct door_yield *yield;     /* NULL: it goes before others */
};

/* Tells the supervisor how a change stands. Goes out before a change is begun, so that a crash leaves a trace. */
void door_announce(const change *c);

/* A change that is not yet in its group; NULL after a failure. */
change *door_new_change(lb_group *group, change_kind kind, lb_error *err);

/* door.c: only a change that is complete becomes part of its group, and only one that the run's document has room for.
 */
LB_MUST_CHECK int door_join(change *c, lb_error *err);

/* door_gate.c: what the gate says to the group: each change is asked for, and the strictest answer holds for all. */
void door_ask_gate(lb_group *group);
const char *door_query_member(run_state *run, const char *query, const char *name_end);

/* door_note.c: what is written down when the group was carried out without the tool that proposed it. */
LB_MUST_CHECK int door_add_note(lb_group *group, const approval_note *note, lb_error *err);
LB_MUST_CHECK int door_write_notes(lb_group *group, lb_error *err);

/* door_fingerprint.c: how the objects that the group touches stand now. */
LB_MUST_CHECK int door_fingerprint(const lb_group *group, fingerprint *ret_print, lb_error *err);

/* door_ask.c: hands the group to the supervisor as an approval document. */
LB_MUST_CHECK int door_ask(lb_group *group, lb_error *err);

/* door_execute.c: carries a group out; intents are durable before anything happens. */
LB_MUST_CHECK int door_execute(lb_group *group, lb_error *err);

/* door_operation.c: until what the call began is done, where SQL or a PATCH stands behind it; its failure is an error.
 */
LB_MUST_CHECK int door_wait_operation(const change *c, lb_error *err);

/* door_script.c: is it a statement of a script, and where in it the error in hand comes from. */
bool door_is_scripted(const change *c);
int64_t door_script_number(const change *c); /* of the statement in its script, from 1; -1: it is none */
int door_script_wrap(const change *c, lb_error *err);

/* door_listen.c: what the server says while it executes a change of a group that listens. */
void door_hear(void *change_of_group, const lb_notice *notice);
void door_note_ears(lb_group *group); /* the session that executes it tells of notices */

/* door_measure.c: what became of each change of a group that is measured. */
void door_measure_group(lb_group *group); /* at the beginning of a try, outside of the transaction */
void door_measure_before(change *c);
void door_measure_after(change *c, bool failed);

/* door_yield.c: somebody looks on while a group is executed that yields to others. */
void door_yield_begin(lb_group *group);
LB_MUST_CHECK int door_yield_end(lb_group *group, int r, lb_error *err); /* r: how its execution ended */

/* door_rest.c: what others are given between changes. A rest's answer is heard, and then it is waited for. */
LB_MUST_CHECK int door_add_rest(change *c, lb_error *err);
LB_MUST_CHECK int door_hear_rest(void *change_that_rests, uint32_t count, const char *const *cells, lb_error *err);
int64_t door_rest_us(const change *c);
LB_MUST_CHECK int door_rest_now(const change *c, lb_error *err);
LB_MUST_CHECK int door_sleep(const run_state *run, int64_t us, lb_error *err); /* fails where the run is to stop */

/* door_command.c: one change of a kind that is not SQL. */
LB_MUST_CHECK int door_run_file(change *c, lb_error *err);
LB_MUST_CHECK int door_run_exec(change *c, lb_error *err);
LB_MUST_CHECK int door_spawn(const change *c, int output, char *const *environment, pid_t *ret_pid, lb_error *err);
LB_MUST_CHECK int door_judge_exit(const change *c, int status, const buf *output, lb_error *err);
/* Puts the arguments into the change. */
LB_MUST_CHECK int door_take_argv(change *c, const char *const *argv, lb_error *err);

/* door_program.c: programs that are lent the branch's connection. */
LB_MUST_CHECK int door_lend(const change *c, char ***ret_environment, lb_error *err);
LB_MUST_CHECK int door_run_beside(change *c, lb_error *err);
bool door_is_beside(const change *c);
void door_hide_password(const change *c, buf *output);                      /* the one that its program was lent */
LB_MUST_CHECK int door_check_lasting(const lb_group *group, lb_error *err); /* can it wait for a person? */

/* door_merge.c */
LB_MUST_CHECK int door_add_known(change *c, const lb_lake_append *append, lb_error *err);
LB_MUST_CHECK int door_restore_lake(change *c, const approval_change *stored, lb_error *err);
LB_MUST_CHECK int door_run_known(change *c, lb_error *err);

/* door_lake.c */
LB_MUST_CHECK int door_run_lake(change *c, lb_error *err);

/* door_audit.c: both are durable when they return 0. */
LB_MUST_CHECK int door_audit_intents(lb_group *group, lb_error *err);
LB_MUST_CHECK int door_audit_outcomes(lb_group *group, lb_error *err);

#endif
