/* sync_alarm.h: what becomes an alert of a comparison. A pair has one for each matter that is wrong with it; it is
 * raised each time that it is found, which the host tells once, and ends when a check surely finds it in order. */
#ifndef LBOPS_HEALTH_SYNC_ALARM_H
#define LBOPS_HEALTH_SYNC_ALARM_H

#include "sync_pair.h"

#define SYNC_RAISED "sync.drift_detected"
#define SYNC_CALMED "sync.drift_cleared"

#define SYNC_NOT_COMPARED_ "not_compared_" /* a matter, with the check's name behind it */

typedef struct sync_alarm {
    const char *matter; /* rows, columns, checksum, freshness, pipeline, or not_compared with the check's name */
    const char *level;  /* NULL: a warning */
    const char *reason;
    double drift, lag;
    int64_t since;    /* LB_TIME_NONE: not known */
    bool is_fine;     /* nothing is wrong in that matter */
    bool is_unsure;   /* as far as could be seen: that is no end */
    const char *over; /* why it is over; NULL: it is in order again */
} sync_alarm;

/* The alerts of the branch, as far as history knows. */
typedef struct sync_alarms {
    const char *tool;       /* that looks now */
    bool is_read, is_known; /* is_known: history could be asked */
    const char *paused_by;  /* NULL: nothing holds what is raised back */
    struct sync_known {
        const char *matter, *pair, *tool; /* tool: that told it last; NULL: not known */
        double limit_s;                   /* how late it may be by that */
        int64_t at;
        bool is_open;
    } * items;
    struct sync_look {
        const char *check, *pair;
    } * looks; /* of the last days */
    size_t count, look_count;
} sync_alarms;

/* How rows that differ are made alike; NULL: that tool would refuse, or there is no memory. */
const char *sync_repair_command(lb_ctx *ctx, const sync_pair *pair);

/* An event where it is wrong and no pause holds, or where it is surely fine and an alert may be open. */
LB_MUST_CHECK int sync_alarm_tell(lb_ctx *ctx, sync_alarms *alarms, const sync_wish *wish, const sync_alarm *alarm,
                                  lb_error *err);

/* What that check has found of the pair ends: nobody can look any more. */
LB_MUST_CHECK int sync_alarm_pass_on(lb_ctx *ctx, sync_alarms *alarms, const sync_wish *wish, const char *check,
                                     lb_error *err);
/* What this tool has told of pairs that are not among `wishes`, which are all of its, ends once no run is for them. */
LB_MUST_CHECK int sync_alarms_end_others(lb_ctx *ctx, sync_alarms *alarms, const sync_wishes *wishes, lb_error *err);

/* Since when this check of the pair has failed each time; LB_TIME_NONE: it has not, or history does not say. */
LB_MUST_CHECK int sync_failing_since(lb_ctx *ctx, const sync_wish *wish, const char *check, int64_t *ret_since,
                                     lb_error *err);

#endif
