/* delta_driver.h: from the outbox into history: when to commit what, what happens to each file, upkeep, questions. It
 * holds one delta plugin and never gives up on a file: what cannot be committed now waits, and what is damaged is set
 * aside. Runs in the service's process, and in a command that uses history without a daemon. [service] */
#ifndef LBOPS_HOST_DELTA_DRIVER_H
#define LBOPS_HOST_DELTA_DRIVER_H

#include "outbox_read.h"
#include "params.h"

#include <lbops/delta.h>

typedef struct delta_driver delta_driver;

/* Everything outlives the driver. */
typedef struct delta_driver_options {
    const lb_service_host *host;
    const lb_delta *plugin; /* checked by delta_driver_check */
    const void *args;       /* the struct that the plugin's parameters fill */
    const char *outbox_dir, *state_dir, *work_dir;
    int64_t outbox_limit; /* bytes that may wait before metrics are thinned; 0: no limit */
} delta_driver_options;

/* What one turn did. Counts are of this turn alone. */
typedef struct delta_driver_report {
    int64_t commits, files, rows, bytes; /* committed; bytes as stored */
    int64_t repeated;                    /* files that had been committed before and are gone now */
    int64_t damaged;                     /* files set aside */
    char damage[400];                    /* the first of them, and why */
    outbox_thinned thinned;
    int64_t waiting_files, waiting_bytes; /* in the outbox afterwards */
    bool upkept;
    lb_delta_upkeep upkeep;
    lb_error error; /* code 0: none; else the first that happened, and what it concerns waits */
} delta_driver_report;

/* Is the plugin's table complete? */
LB_MUST_CHECK int delta_driver_check(const lb_plugin *plugin, lb_error *err);

LB_MUST_CHECK int delta_driver_open(const delta_driver_options *options, delta_driver **ret_driver, lb_error *err);
delta_driver *delta_driver_free(delta_driver *driver);

/* Commits what is due, looks after the tables when that is due, thins the outbox when it must. Returns in how many
 * microseconds it wants to be called again. What fails is in the report. */
int64_t delta_driver_turn(delta_driver *driver, delta_driver_report *ret_report);
/* The same without looking after the tables: what can be done while a question is answered (lb_delta_question). */
int64_t delta_driver_commit(delta_driver *driver, delta_driver_report *ret_report);

/* Commits all that waits now. The first failure, after everything else has been tried. */
LB_MUST_CHECK int delta_driver_flush(delta_driver *driver, int64_t deadline, delta_driver_report *ret_report,
                                     lb_error *err);
/* The same for the tables that are named in the text of a question. */
LB_MUST_CHECK int delta_driver_flush_named(delta_driver *driver, const char *text, int64_t deadline,
                                           delta_driver_report *ret_report, lb_error *err);
/* Upkeep of one table, or all (NULL). now: the wall clock. */
LB_MUST_CHECK int delta_driver_maintain(delta_driver *driver, const char *table, int64_t now, int64_t deadline,
                                        lb_delta_upkeep *ret_upkeep, lb_error *err);
LB_MUST_CHECK int delta_driver_query(delta_driver *driver, const lb_delta_question *question, const lb_delta_sink *sink,
                                     bool *ret_cut, lb_error *err);

/* Tables of the lakehouse, where the plugin has one; else these must not be called. */
bool delta_driver_has_lake(const delta_driver *driver);
LB_MUST_CHECK int delta_driver_lake_query(delta_driver *driver, const lb_delta_question *question,
                                          const lb_delta_sink *sink, bool *ret_cut, lb_error *err);
LB_MUST_CHECK int delta_driver_lake_table(delta_driver *driver, const lb_lake_name *name, int64_t deadline,
                                          const lb_delta_sink *sink, lb_error *err);
LB_MUST_CHECK int delta_driver_lake_append(delta_driver *driver, const lb_delta_append *append,
                                           const lb_delta_sink *sink, lb_error *err);
/* LB_ERR_UNSUPPORTED where the plugin has no views. */
LB_MUST_CHECK int delta_driver_lake_merge(delta_driver *driver, const lb_lake_name *name,
                                          const lb_delta_question *merge, const lb_delta_sink *sink, lb_error *err);
LB_MUST_CHECK int delta_driver_lake_view(delta_driver *driver, const lb_lake_name *name, const char *text,
                                         int64_t deadline, const lb_delta_sink *sink, lb_error *err);

#endif
