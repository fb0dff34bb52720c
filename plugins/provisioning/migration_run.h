/* migration_run.h: migrations against a database: its ledger, the lock of the one who applies, and the applying. */
#ifndef LBOPS_PROVISIONING_MIGRATION_RUN_H
#define LBOPS_PROVISIONING_MIGRATION_RUN_H

#include "migration.h"

/* How a table was used before this run counted its rows, which is a reading too. */
typedef struct migration_use {
    const char *table;
    int64_t reads, last_read;
    bool last_read_is_null;
    struct migration_use *next;
} migration_use;

typedef struct migration_run {
    lb_ctx *ctx;
    arena *memory;
    int server; /* major version */
    int64_t lock_timeout_ms, lock_tries, lock_pause_ms, lock_wait_s;
    int64_t instant_timeout_ms, data_timeout_ms,
        build_timeout_ms;             /* 0: none; data below 0: by the size of the tables */
    int64_t session;                  /* the server's process that took the lock; 0: none has */
    int64_t lock_left_us;             /* of what tries in vain may take, all in all */
    bool tells_locks, keeps_history;  /* history: for a trial that is forgotten there is none */
    const char *keep_before, *policy; /* auto, always, never or NULL; the branch policy's file or NULL */
    const char *kept_told;            /* the branch that was told of last: several tries have one */
    bool asks_nobody;                 /* files are judged by their text, and there may be no server */
    bool leaves_out_functions;        /* looking for those that use a table took too long */
    bool holds_to_nothing;            /* what is at risk changes all the time, and nobody is asked about it here */
    bool leaves_out_base;             /* a plan met a lock on its way there */
    migration_use *uses;              /* of the tables that were looked at */
    const judge_column_type *types;   /* that the files judged so far will have made */
    size_t type_count;
    bool has_judged; /* a file that is to be applied before */
    uint64_t chance; /* of the next pause's length */
} migration_run;

/* migration_ledger.c. A ledger that is not there is empty; ret_present: all of it is there. */
LB_MUST_CHECK int migrate_read_ledger(migration_run *run, migration_ledger *ret_ledger, bool *ret_present,
                                      lb_error *err);
LB_MUST_CHECK int migrate_make_ledger(migration_run *run, lb_error *err);
LB_MUST_CHECK int migrate_set_baseline(migration_run *run, const char *version, lb_error *err);
LB_MUST_CHECK int migrate_mark_told(migration_run *run, int64_t up_to, lb_error *err);

/* A row about a file, as a change of the group. */
LB_MUST_CHECK int migrate_note(migration_run *run, lb_group *group, const migration_task *task, const char *state,
                               uint32_t step, const char *error, lb_error *err);
/* The same for a statement that builds an index: it is done where that is whole by then. */
LB_MUST_CHECK int migrate_note_built(migration_run *run, lb_group *group, const migration_task *task, uint32_t step,
                                     const judged *builds, lb_error *err);

/* migration_lock.c: nobody waits in the lock itself. The wait for another one is bounded by lock_wait_s. */
LB_MUST_CHECK int migrate_lock(migration_run *run, lb_error *err);
LB_MUST_CHECK int migrate_check_lock(migration_run *run, lb_error *err); /* it is held, by the session that took it */
LB_MUST_CHECK int migrate_unlock(migration_run *run, lb_error *err);

/* Waits a random while that grows with the tries; false when the run should stop. */
bool migrate_pause(migration_run *run, int64_t tries, int64_t most_ms);

/* migration_wait.c: what a part was tried for in vain. */
typedef struct migration_tries {
    int64_t most, count, spent_us, began; /* began: the last one, as time left to the run */
} migration_tries;

int64_t migrate_wait_limit(const migration_run *run); /* of one wait for a lock, in milliseconds */

#define MIGRATION_MOVED "LB003" /* as sql/migration/hold_to_decided.sql has it */
bool migrate_is_worth_another_try(const lb_error *err);

/* Notes that a try was in vain, and pauses for the next; false: there is none. */
bool migrate_tries_again(migration_run *run, migration_tries *tries);

/* Puts into the error's hint how long locks were tried for, and who holds them as far as can be seen. */
void migrate_explain_wait(migration_run *run, const migration_tries *tries, const judged *first, size_t count,
                          lb_error *err);

/* Findings about what statements will wait for that keep nobody out, and so have no limit: old transactions, vacuum. */
LB_MUST_CHECK int migrate_tell_in_the_way(migration_run *run, const migration_file *file, uint32_t first, uint32_t last,
                                          lb_error *err);

/* migration_there.c: judges the file anew where its CREATE ... IF NOT EXISTS would find one there, a table is there
 * that it gives a key, or the types of columns are known that it changes; files in the order in which they are
 * executed. Not of a file that was begun: what is there then may be its own. */
LB_MUST_CHECK int migrate_judge_what_is_there(migration_run *run, const migration_task *task, lb_error *err);
/* Findings about what IF NOT EXISTS has found there, of a group that was listened to. */
LB_MUST_CHECK int migrate_tell_there(migration_run *run, const migration_file *file, const lb_group *group,
                                     lb_error *err);

/* migration_limits.c: for how long a part may go on. */
typedef enum migration_work { WORK_UNKNOWN, WORK_QUICK, WORK_READS, WORK_WRITES, WORK_BUILDS } migration_work;

migration_work migration_work_of(const judged *s);
/* For a statement that reads, or writes, tables of so many bytes (below 0: not known), in milliseconds. In few steps,
 * so that a table which grows does not make another limit each time. */
int64_t migration_time_for(int64_t bytes, bool writes);

typedef struct migration_limit {
    int64_t most_ms; /* of each statement; 0: what the session has */
    enum { LIMIT_OTHERS, LIMIT_INSTANT, LIMIT_DATA, LIMIT_BUILD, LIMIT_RUN } option; /* what gives it more */
    int64_t wait_ms;                     /* of each wait for a lock; 0: none */
    int64_t session_ms, session_wait_ms; /* as they are before it */
} migration_limit;

LB_MUST_CHECK int migrate_limit_of(migration_run *run, const migration_file *file, uint32_t first, uint32_t last,
                                   migration_limit *ret_limit, lb_error *err);

/* The limits of a transaction, as its first changes; they end with it. Each group reads them back and breaks off where
 * the server has not taken one. */
#define MIGRATION_NOT_LIMITED "LB004" /* as sql/migration/hold_to_limits.sql has it */
LB_MUST_CHECK int migrate_limit_transaction(migration_run *run, lb_group *group, const migration_limit *limit,
                                            lb_error *err);

/* Those of a session, and what sets them back behind the statement. */
LB_MUST_CHECK int migrate_limit_session(migration_run *run, lb_group *group, const migration_limit *limit,
                                        lb_error *err);
LB_MUST_CHECK int migrate_unlimit_session(migration_run *run, lb_group *group, const migration_limit *limit,
                                          lb_error *err);

/* The error is that of a statement that had this limit and ran into it; and what to do then, as the error's hint. */
bool migrate_was_limited(const migration_run *run, const migration_limit *limit, const lb_error *why);
void migrate_explain_limit(const migration_run *run, const migration_limit *limit, lb_error *err);

/* migration_index.c: an invalid index of that name that this file has left behind is dropped, so that it can be built;
 * and so are the copies that rebuilds of this file have left. A valid one with another definition is an error.
 * ret_outcome: LB_APPLIED also where there is nothing to do. */
LB_MUST_CHECK int migrate_clear_index(migration_run *run, const migration_task *task, const judged *builds,
                                      lb_outcome *ret_outcome, lb_error *err);
/* After the build; ret_again: the error is that it is not whole, which another try may mend. */
LB_MUST_CHECK int migrate_check_index(migration_run *run, const judged *builds, bool *ret_again, lb_error *err);

/* Findings about what concurrent rebuilds that failed have left on the table, whoever's they were. */
LB_MUST_CHECK int migrate_tell_leftovers(migration_run *run, const migration_file *file, const judged *builds,
                                         lb_error *err);

/* migration_risk.c: fills file->risks; and, at the beginning of a transaction, ends it where something else is at risk
 * by then. */
LB_MUST_CHECK int migrate_look_at_risk(migration_run *run, migration_file *file, lb_error *err);
/* What would be lost, as a decision is held to it; "" where nothing is, or nobody is asked. */
LB_MUST_CHECK int migrate_risk_text(migration_run *run, const migration_file *file, const char **ret_text,
                                    lb_error *err);
LB_MUST_CHECK int migrate_hold_to_risk(migration_run *run, lb_group *group, const migration_file *file, lb_error *err);
/* The same at the beginning of a group that is no transaction. */
LB_MUST_CHECK int migrate_hold_session_to_risk(migration_run *run, lb_group *group, const migration_file *file,
                                               lb_error *err);

/* migration_advice.c: the judge's advice, by what the catalogue and the files behind this one say. */
LB_MUST_CHECK int migrate_mend_advice(migration_run *run, const migration_files *files, migration_file *file,
                                      lb_error *err);

/* migration_catalogue.c: adds the hazards that the catalogue alone knows of. */
LB_MUST_CHECK int migrate_look_at_catalogue(migration_run *run, migration_file *file, lb_error *err);

/* migration_course.c: one part of a file, with all its tries. */
typedef struct migration_course {
    const migration_task *task;
    uint32_t first, last; /* statements, counted from 1 */
    bool is_alone;
    const migration_tries *tries; /* NULL: it is only proposed */
    const migration_limit *limit; /* of the last try */
    int64_t began;
    const lb_group *group; /* of the last try, which was measured; NULL: there was none */
    int64_t batches, rows; /* that it has come to by now; batches below 0: it is not executed in any */
} migration_course;

/* Into the run's result, and with each of its statements into history; why: its error, or NULL. */
LB_MUST_CHECK int migrate_tell_course(migration_run *run, const migration_course *c, const lb_error *why,
                                      lb_error *err);
/* Into history where a person approves the group and this run is over. */
LB_MUST_CHECK int migrate_note_course(migration_run *run, lb_group *group, const migration_course *c, lb_error *err);

/* migration_apply.c: one file, from where it was left. */
LB_MUST_CHECK int migrate_apply(migration_run *run, migration_task *task, const char *undo, lb_outcome *ret_outcome,
                                lb_error *err);

/* migration_findings.c */
LB_MUST_CHECK int migrate_report(migration_run *run, const migration_file *file, lb_error *err);
LB_MUST_CHECK int migrate_refuse(migration_file *const *files, size_t count, lb_error *err); /* or 0 */
LB_MUST_CHECK int migrate_tell_rest(migration_run *run, const migration_files *files, const migration_plan *plan,
                                    lb_error *err); /* what is left out, and what may look wrong */
const lb_value *migrate_evidence(migration_run *run, const migration_file *file); /* NULL: out of memory */

#endif
