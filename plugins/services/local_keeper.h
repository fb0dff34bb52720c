/* local_keeper.h: what the keeper's own files share. See local.h for what it is for. */
#ifndef LBOPS_SERVICES_LOCAL_KEEPER_H
#define LBOPS_SERVICES_LOCAL_KEEPER_H

#include "local.h"
#include "pg_session.h"

typedef struct keeper {
    local_cluster c;
    char *project, *directory;
    char *programs; /* the folder of this project's version */
    int dir;        /* the branch's own directory */
    int server_dir, data_dir;
    int log;
    int lock;
    int children; /* a signalfd: SIGCHLD and what asks us to end */
    bool ends;    /* somebody asked us to */

    pid_t server; /* 0: none */
    bool ready;
    int events; /* inotify on the data directory */

    int64_t active_at;  /* on the monotonic clock */
    int64_t sessions;   /* as the server counted them at our last look; -1: not yet */
    int64_t looked_at;  /* when that was, on the real clock */
    int64_t last_bytes; /* size and place in the log at our last look */
    char lsn[32];
    int64_t others;

    int64_t suspend_us; /* the endpoint's timeout; 0: never */
    int64_t expires_at; /* on the real clock; 0: never */
} keeper;

/* local_keeper.c: a line in the branch's log */
LB_PRINTF(1, 2) void keeper_note(const char *fmt, ...);

/* local_take.c: enters the branch's directory, locked, with log, signals and programs; 1: somebody else keeps it. */
LB_MUST_CHECK int keeper_take(keeper *k, lb_error *err);

/* ---- local_record.c ---- */

typedef struct record {
    local_project p;
    doc *entry, *endpoint;
} record;

LB_MUST_CHECK int record_open(const keeper *k, bool locked, record *r, lb_error *err);
void record_close(record *r);
#define RECORD LB_CLEANUP(record_close) record

void record_limits(keeper *k); /* reads suspend_us and expires_at */
/* Writes where the compute stands (NULL: as before), when it was last active and how large the branch is. False: not
 * now.
 */
bool record_endpoint(const keeper *k, const char *state);

/* Makes the branch and says so, or gives it up and says why. */
LB_MUST_CHECK int record_make(keeper *k, lb_error *err);

/* ---- local_copy.c: as the servers' user ---- */

LB_MUST_CHECK int local_copy(const local_cluster *c, int from, int to, lb_error *err);
LB_MUST_CHECK int local_make_dir(const local_cluster *c, int above, const char *name, lb_error *err); /* a descriptor */
LB_MUST_CHECK int local_touch(const local_cluster *c, int above, const char *name, lb_error *err);
void local_drop_statistics(const local_cluster *c, int data);

/* ---- local_server.c ---- */

/* What a start is for: dirs are for `options`, which end with NULL ("-c", "name=value" ...). */
typedef struct server_start {
    const char *const *options;
    int dirs[2];
} server_start;

LB_MUST_CHECK int server_open(keeper *k, lb_error *err); /* directories; waits for what an earlier keeper left */
LB_MUST_CHECK int server_begin(keeper *k, const server_start *how, lb_error *err);
/* Has it come up by now (1), is it still on its way (0), or has it failed? Waits up to wait_us. */
LB_MUST_CHECK int server_look(keeper *k, int64_t wait_us, lb_error *err);
LB_MUST_CHECK int server_start_whole(keeper *k, const server_start *how, lb_error *err);
void server_stop(keeper *k);

/* A program of Postgres, to its end; dirs as for local_start. */
LB_MUST_CHECK int server_run(keeper *k, const char *const *argv, const int *dirs, lb_error *err);

/* One statement of ours on the branch's own server. */
LB_MUST_CHECK int server_sql(keeper *k, int dir, const char *database, const lb_statement *statement,
                             const lb_sink *sink, lb_error *err);
/* Fills others, sessions, lsn and last_bytes; moves active_at when somebody has been active. */
LB_MUST_CHECK int server_activity(keeper *k, lb_error *err);

/* ---- local_build.c ---- */

/* Makes what the record promises. The server runs afterwards. */
LB_MUST_CHECK int build_branch(keeper *k, doc *entry, lb_error *err);
bool build_keeps_history(doc *entry);

/* ---- local_base.c ---- */

/* A base for points in time, taken from the running server, when there is need for one. What is older than the
 * project's history goes then. */
LB_MUST_CHECK int build_base(keeper *k, lb_error *err);
/* base-N: N is when it was complete, in microseconds. The newest that is not after `before`, or -1. */
int64_t base_find(int server_dir, int64_t before);
/* From a running server, by the directory of its socket, into a directory. */
LB_MUST_CHECK int base_backup(keeper *k, int from, int to, lb_error *err);

#endif
