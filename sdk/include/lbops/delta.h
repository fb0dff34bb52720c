/* lbops/delta.h: the interface of a delta service, which turns the outbox into history and answers questions about it.
 *
 * One service owns one history and is its only writer of ours; others (Spark, a person) may write to the same tables.
 * Every call may block until its deadline (on the clock of lb_service_host.now) and must return by then. The host calls
 * from one thread; `cancelled` and `now` of lb_service_host may be called from any. Structs that the host fills or
 * reads begin with their size and only grow at their end. [service] */
#ifndef LBOPS_DELTA_H
#define LBOPS_DELTA_H

#include "transport.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what the tables are ---- */

typedef struct lb_delta_column {
    const char *name;
    lb_type type;  /* LB_TEXT LB_I64 LB_F64 LB_BOOL LB_TIME LB_JSON; JSON is kept as text */
    bool required; /* each row of the outbox has it; in the table every column may be null, so that columns can be added
                      later */
    const char *doc;
} lb_delta_column;

typedef struct lb_delta_table {
    uint32_t size, column_size, column_count; /* column_size: sizeof(lb_delta_column) as the host knows it */
    int32_t retention_days;                   /* 0: rows are kept */
    const char *name, *doc;
    const char *partition_time; /* the column whose date in UTC is the partition (a column `date`), or NULL */
    const lb_delta_column *columns;
} lb_delta_table;

/* Everything here outlives the service's state. */
typedef struct lb_delta_setup {
    uint32_t size, table_count;
    const lb_delta_table *const *tables;
    const char *state_dir; /* where what has no path of its own lives */
    const char *work_dir;  /* where relative paths of the manifest start */
} lb_delta_setup;

/* ---- committing ---- */

/* What became of an outbox file. It holds whether the call as a whole succeeded or not. */
typedef enum lb_delta_fate {
    LB_DELTA_LEFT = 0,      /* nothing is known to be committed of it: give it again later */
    LB_DELTA_COMMITTED = 1, /* its rows are in the table for good: remove the file */
    LB_DELTA_REPEATED = 2,  /* they were there before this call: remove the file */
    LB_DELTA_DAMAGED = 3    /* none of its rows was or will be committed: set it aside with `reason` */
} lb_delta_fate;

typedef struct lb_delta_file {
    uint32_t size;
    lb_delta_fate fate; /* out */
    const char *path;
    const char *id;   /* unique among all files of the table there ever were; ids sort by the time they were made */
    int64_t rows;     /* out: of a committed file */
    char reason[256]; /* out: of a damaged file */
} lb_delta_file;

/* What a call committed. Zero rows: nothing was new. */
typedef struct lb_delta_receipt {
    uint32_t size;
    int64_t version; /* of the table afterwards, or -1 where there is none */
    int64_t files, rows;
    int64_t bytes; /* as stored */
} lb_delta_receipt;

/* How often the host should flush; the service knows what a flush costs. */
typedef struct lb_delta_policy {
    uint32_t size;
    int64_t flush_interval_s; /* a waiting file is no older than this ... */
    int64_t flush_bytes;      /* ... unless so many bytes ... */
    int64_t flush_rows;       /* ... or rows of one table wait: then at once. One commit takes no more than these */
    int64_t upkeep_interval_s;
} lb_delta_policy;

/* ---- upkeep ---- */

typedef struct lb_delta_care {
    uint32_t size;
    const char *table;          /* NULL: all */
    const char *oldest_waiting; /* smallest id that waits in the outbox, half-written ones too; NULL: none */
    int64_t now;                /* the wall clock in microseconds */
    int64_t deadline;
} lb_delta_care;

typedef struct lb_delta_upkeep {
    uint32_t size;
    int64_t tables;                    /* looked after */
    int64_t compacted, compacted_into; /* files */
    int64_t rolled_up, rolled_up_into; /* rows */
    int64_t expired_files, expired_rows;
    int64_t vacuumed_files, vacuumed_bytes; /* removed from the disk */
    int64_t checkpoints, log_files;         /* written; removed */
} lb_delta_upkeep;

/* ---- asking ---- */

typedef struct lb_delta_question {
    uint32_t size;
    const char *text; /* one SELECT; a table stands under its name and under ops_catalog.lakebase_ops.NAME */
    int64_t deadline;
    int64_t max_rows, max_bytes; /* of the answer; more is cut off and said so. 0: no limit */

    /* since 1.1 */
    const lb_value *args;     /* what $1 ... in the text stand for: values of type LB_TEXT, LB_I64, LB_F64, LB_BOOL,
                                 LB_TIME or LB_NULL. A value never becomes part of the text */
    const lb_type *arg_types; /* the declared type of each, which a null does not tell */
    uint32_t arg_count;
    bool frequent; /* one of many from tools: it may be worth keeping ready what the next one needs */

    /* since 1.3 */
    void (*meanwhile)(void *arg); /* or NULL. To be called several times a second, in the thread of the call, while the
                                     answer is worked out: it calls `commit` when that is due */
    void *meanwhile_arg;
} lb_delta_question;

/* Where an answer goes. Types are LB_TEXT, LB_I64, LB_F64, LB_BOOL, LB_TIME or LB_NUMERIC; what is none of these
 * (dates, lists, structs) is text. Cells are text, timestamps in RFC 3339 and UTC; a NULL cell is null. A negative
 * return ends the answer. */
typedef struct lb_delta_sink {
    uint32_t size;
    void *state;
    int (*columns)(void *state, uint32_t count, const char *const *names, const lb_type *types, lb_error *err);
    int (*row)(void *state, uint32_t count, const char *const *cells, lb_error *err);
} lb_delta_sink;

/* ---- tables of the lakehouse that are no history; since 1.2 ---- */

/* A batch of rows. The file is CSV without a header: each cell that is not null in double quotes, which are doubled
 * inside, cells as Postgres prints them; a null is nothing. */
typedef struct lb_delta_append {
    uint32_t size, column_count;
    lb_lake_name table;
    const char *key, *path, *checksum;
    const lb_lake_column *columns; /* with the types that they shall have in the table */
    int64_t rows, deadline;
    int64_t longest; /* bytes of the longest row in the file */
} lb_delta_append;

typedef struct lb_delta {
    uint32_t size;
    uint32_t param_size, args_size;
    const lb_param *params; /* what stands under [services.delta] */

    /* Opens the service. args is the struct that params fill. Nothing is written yet. */
    int (*open)(const lb_service_host *host, const lb_delta_setup *setup, const void *args, void **ret_state,
                lb_error *err);
    void (*close)(void *state);

    int (*policy)(void *state, lb_delta_policy *ret_policy, lb_error *err);

    /* Commits outbox files of one table (in the order of their ids), each exactly once, however often it is given. A
     * table that does not exist is made; columns that it lacks are added. LB_ERR_CONFLICT: another process of ours
     * writes this history. */
    int (*commit)(void *state, const char *table, lb_delta_file *const *files, uint32_t count, int64_t deadline,
                  lb_delta_receipt *ret_receipt, lb_error *err);

    /* Looks after one table, or all: compaction, roll-ups, retention, vacuum, checkpoints. Tables that do not exist are
     * made. What was done before a failure is in the report, too. */
    int (*maintain)(void *state, const lb_delta_care *care, lb_delta_upkeep *ret_upkeep, lb_error *err);

    /* Answers a question. It can neither write nor reach anything but the tables: whatever else it tries is
     * LB_ERR_DENIED. *ret_cut: the answer was longer than its limits. */
    int (*query)(void *state, const lb_delta_question *question, const lb_delta_sink *sink, bool *ret_cut,
                 lb_error *err);

    /* since 1.2; NULL: it has no lakehouse. The host asks them of a process of its own, which commits no history. */

    /* As query, for one SELECT over tables by their three names, in Databricks' words, identifiers in double quotes. */
    int (*lake_query)(void *state, const lb_delta_question *question, const lb_delta_sink *sink, bool *ret_cut,
                      lb_error *err);

    /* A row for each column: name, type, version and time of the table's last commit. */
    int (*lake_table)(void *state, const lb_lake_name *name, int64_t deadline, const lb_delta_sink *sink,
                      lb_error *err);

    /* Appends a batch once, however often it is given, and gives a row: rows, bytes, checksum, version, repeated. */
    int (*lake_append)(void *state, const lb_delta_append *append, const lb_delta_sink *sink, lb_error *err);

    /* since 1.3; NULL: it has no views. Makes one, or gives it this text, which is as lake_query takes it; a table of
     * the name is LB_ERR_CONFLICT. Gives a row: changed, false where it said this before. */
    int (*lake_view)(void *state, const lb_lake_name *name, const char *text, int64_t deadline,
                     const lb_delta_sink *sink, lb_error *err);

    /* since 1.4; NULL: its engine has no MERGE. One MERGE into that table, which is as lake_query takes it. Gives a
     * row: rows, that were changed. A failure has changed nothing, or may have changed all: then it is not certain. */
    int (*lake_merge)(void *state, const lb_lake_name *name, const lb_delta_question *merge, const lb_delta_sink *sink,
                      lb_error *err);
} lb_delta;

#define LB_DELTA(plugin, text, ...)                                                                                    \
    static const lb_delta plugin##_ops = {.size = sizeof(lb_delta), __VA_ARGS__};                                      \
    LB_PLUGIN(plugin, LB_KIND_DELTA, text, &plugin##_ops)

#ifdef __cplusplus
}
#endif
#endif
