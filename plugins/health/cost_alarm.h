/* cost_alarm.h: what becomes an alert of days that cost too much. An account, a branch of the bill, has one alert: it
 * is raised for each such day once, however often the bill is read again, and ends when the newest complete day is well
 * inside of what is usual. Runs that read another bill, or judge it by another rule, know nothing of that: what they
 * find in order may not be. */
#ifndef LBOPS_COST_ALARM_H
#define LBOPS_COST_ALARM_H

#include "cost_shares.h"

typedef struct cost_alarms cost_alarms;

/* What was told by earlier runs of the same source and rule. */
LB_MUST_CHECK int cost_alarms_open(lb_ctx *ctx, const cost_book *book, const cost_source *source, const cost_rule *rule,
                                   cost_alarms **ret_alarms, lb_error *err);
/* A day that does not fit; index from the book's first day. */
LB_MUST_CHECK int cost_alarms_note(cost_alarms *alarms, const cost_account *account, int64_t index,
                                   const cost_judgement *judgement, lb_error *err);
/* Tells of the account what has not been told. is_calm: its newest complete day is in order. */
LB_MUST_CHECK int cost_alarms_tell(cost_alarms *alarms, const cost_account *account, bool is_calm, lb_error *err);
/* Ends what is open of accounts that the bill does not have any more, and remembers. */
LB_MUST_CHECK int cost_alarms_keep(cost_alarms *alarms, lb_error *err);

#endif
