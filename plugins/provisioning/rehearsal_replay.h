/* rehearsal_replay.h: a workload for the branch, made from what its source is asked most of the time. pgbench repeats
 * each statement as often as it is asked there, with values from rows of the branch. */
#ifndef LBOPS_PROVISIONING_REHEARSAL_REPLAY_H
#define LBOPS_PROVISIONING_REHEARSAL_REPLAY_H

#include "replay_text.h"
#include "replay_times.h"
#include "replay_values.h"

#define REPLAY_WORKLOAD "branch_workload"

typedef struct replay_wish {
    const char *source; /* the branch whose statements they are */
    int64_t top, clients, rate;
    bool writes;
} replay_wish;

typedef struct replay_statement {
    const char *query, *why_not; /* NULL: it is replayed */
    int64_t calls;
    double ms;
    bool is_guessed; /* some of its values are made up */
    bool writes;     /* and is rolled back each time */
    const char *variants[REPLAY_VARIANTS];
    size_t variant_count;
} replay_statement;

typedef struct replay {
    const char *dir; /* of scripts and log; goes with the run */
    replay_statement *statements;
    size_t count, replayed;
    int64_t all_calls;
    double all_ms;
    double calls_share, ms_share; /* replayed, in percent of all */
    const char *since;            /* they have been counted since; NULL: not told */
} replay;

/* rehearsal_replay.c: nothing that could be replayed is LB_ERR_NOT_FOUND. */
LB_MUST_CHECK int replay_gather(lb_ctx *ctx, const replay_wish *wish, replay *ret_replay, lb_error *err);
/* How much of the source's they are, again after some were left out. */
LB_MUST_CHECK int replay_count(const replay_wish *wish, replay *all, lb_error *err);

/* rehearsal_values.c: fills in variants, or why_not. */
LB_MUST_CHECK int replay_find_values(lb_ctx *ctx, const replay_wish *wish, replay *all, lb_error *err);

/* replay_files.c: scripts and log in a directory of the run. */
LB_MUST_CHECK int replay_make_dir(lb_ctx *ctx, const char **ret_dir, lb_error *err);
LB_MUST_CHECK int replay_write_scripts(lb_ctx *ctx, const replay *all, lb_error *err);
/* All variants of one, once each. NULL in the answer: none that writes, so that there is nothing to try. */
LB_MUST_CHECK int replay_write_trial(lb_ctx *ctx, const replay *all, size_t at, const char **ret_path, lb_error *err);
/* pgbench with these scripts, or with the one given. */
const char *const *replay_command(lb_ctx *ctx, const replay_wish *wish, const replay *all, const char *script);
LB_MUST_CHECK int replay_read_log(const char *dir, replay_times *times, lb_error *err);

#endif
