/* alert_dbsql.h: the SQL alerts of a workspace that are ours, as they should be and as they are. [service] */
#ifndef LBOPS_SERVICES_ALERT_DBSQL_H
#define LBOPS_SERVICES_ALERT_DBSQL_H

#include "rest_client.h"

/* What the alerts have in common; texts outlive it. */
typedef struct dbsql_wish {
    const char *prefix;    /* of their names: by that we know them as ours */
    const char *warehouse; /* that runs their queries */
    const char *catalog, *schema;
    const char *timezone, *parent_path; /* the latter or NULL */
    const char *severity;               /* from which on people are told */
    lb_texts notify;                    /* mail addresses, and ids of notification destinations */
    int64_t every_min, remind_s;
    bool notify_on_ok;
} dbsql_wish;

typedef struct dbsql_count {
    int made, changed, trashed;
} dbsql_count;

/* Makes those that are missing, mends those that differ, and trashes those of the prefix that are not wanted. What
 * people have paused stays paused. */
LB_MUST_CHECK int dbsql_keep(rest_client *client, const dbsql_wish *wish, int64_t deadline, dbsql_count *ret_count,
                             lb_error *err);

#endif
