/* state_sqlite.h: what the files of the service share. */
#ifndef LBOPS_SERVICES_STATE_SQLITE_H
#define LBOPS_SERVICES_STATE_SQLITE_H

#include "state_rules.h"

#include <sqlite3.h>
#include <sys/stat.h>

#define STORE_SECOND INT64_C(1000000)

typedef enum store_statement {
    STORE_BEGIN,
    STORE_COMMIT,
    STORE_ROLLBACK,
    STORE_MARK,
    STORE_KEEP,
    STORE_UNDO,
    STORE_COUNTERS,
    STORE_COUNT,
    STORE_RECALL,
    STORE_REMEMBER,
    STORE_LOOK,
    STORE_INSERT,
    STORE_REPLACE,
    STORE_PUT,
    STORE_REMOVE,
    STORE_RELEASE,
    STORE_PRUNE,
    STORE_LIST_KEY,
    STORE_LIST_STATUS_OLDEST,
    STORE_LIST_STATUS_NEWEST,
    STORE_LIST_OWNER_OLDEST,
    STORE_LIST_OWNER_NEWEST,
    STORE_LIST_PREFIX_OLDEST,
    STORE_LIST_PREFIX_NEWEST,
    STORE_LIST_AT_OLDEST,
    STORE_LIST_AT_NEWEST,
    STORE_STATEMENTS
} store_statement;

typedef struct store_copy store_copy;

typedef struct store {
    const lb_service_host *host;
    sqlite3 *db;
    char *directory, *path, *wal_path, *marker_path, *copy_path;
    sqlite3_stmt *statements[STORE_STATEMENTS];
    int64_t deadline;   /* of the call that runs, for SQLite's callbacks */
    bool cancelled;     /* what ended it was the host's wish, not the deadline */
    char boot[40];      /* this boot's id */
    struct stat file;   /* the database as it was opened */
    struct stat wal;    /* its log, once it is there */
    lb_error damage;    /* once it was seen, every call says so; code 0: none */
    int64_t copy_every; /* microseconds; 0: no copies */
    int64_t next_look;  /* when it is asked again whether a copy is due */
    store_copy *copy;   /* the one that is being made, or NULL */
} store;

/* state_sqlite_open.c */
LB_MUST_CHECK int store_open(store *s, int64_t check_us, lb_error *err);
int64_t store_boot_clock(void);

/* state_sqlite_error.c: the error for what SQLite said last. */
int store_fail(store *s, const char *what, lb_error *err);
int store_fail_damaged(store *s, const char *why, lb_error *err);
LB_PRINTF(3, 4) void store_log(const store *s, lb_level level, const char *fmt, ...);

/* state_sqlite_call.c: calls and statements. store_begin_call checks that the store is still whole and in its place,
 * and sets the deadline. */
LB_MUST_CHECK int store_begin_call(store *s, int64_t deadline, lb_error *err);
void store_watch(store *s); /* hands the deadline to SQLite: busy handler and progress handler */
sqlite3_stmt *store_bind(store *s, store_statement which);
void store_bind_text(sqlite3_stmt *statement, int at, const char *text); /* NULL: null */

/* One that answers nothing, or a row that nobody wants: SQLITE_DONE and SQLITE_ROW are fine. It is reset. */
LB_MUST_CHECK int store_run(store *s, store_statement which, const char *what, lb_error *err);

/* Steps to a row: 1, to the end: 0. The caller resets. */
LB_MUST_CHECK int store_step(store *s, sqlite3_stmt *statement, const char *what, lb_error *err);
void store_roll_back(store *s);

/* state_sqlite_batch.c */
LB_MUST_CHECK int store_apply(store *s, const char *client, int64_t number, const lb_state_txn *txns, size_t count,
                              lb_state_verdict *ret_verdicts, lb_error *err);

/* state_sqlite_list.c */
LB_MUST_CHECK int store_list(store *s, const lb_state_query *query,
                             int (*take)(void *arg, const lb_state_doc *doc, lb_error *err), void *arg, lb_error *err);

/* state_sqlite_copy.c: a copy beside the store, made by a thread of its own so that no batch waits for it. */
void store_copy_when_due(store *s);
void store_copy_end(store *s, int64_t patience_us); /* waits so long for one that is being made */

#endif
