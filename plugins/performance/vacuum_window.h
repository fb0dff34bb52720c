/* vacuum_window.h: the hours of the day in which upkeep works: given, or those of least traffic. In each opening it
 * makes one pass of a database, so that it may be started as often as one likes to meet them: outside of them a run
 * costs neither a question to the server nor to history, and once a pass is made the one whose it was. */
#ifndef LBOPS_VACUUM_WINDOW_H
#define LBOPS_VACUUM_WINDOW_H

#include <lbops/lbops.h>

struct json_object;

#define VACUUM_NIGHT "02:00-05:00" /* where nobody knows better yet */

/* "22:00-05:30", UTC; the end is not part of it. LB_ERR_INVALID where it is no window; "auto" is one to be learned,
 * NULL one that never ends. */
LB_MUST_CHECK int vacuum_check_window(const char *window, lb_error *err);
bool vacuum_in_window(const char *window, int64_t now);

typedef struct vacuum_window {
    const char *hours;             /* NULL: any time */
    const char *from;              /* where they are from */
    const char *learned;           /* NULL: history has too little, or was not asked */
    int64_t learned_at, passed_at; /* the latter of whatever database, until vacuum_window_ask */
    struct json_object *passes;    /* database: when its last one was; NULL: nobody knows whose the pass was */
} vacuum_window;

/* "auto": the three hours in a row of least traffic, from two weeks of history, or VACUUM_NIGHT where that has too
 * little. Any other window is itself. */
LB_MUST_CHECK int vacuum_window_find(lb_ctx *ctx, const char *wanted, vacuum_window *ret_window, lb_error *err);

/* Has the pass of this opening been made? It is open. */
bool vacuum_window_passed(const vacuum_window *w, int64_t now);
/* Asks the server which database this is: from then on the pass is its own. */
LB_MUST_CHECK int vacuum_window_ask(lb_ctx *ctx, vacuum_window *w, lb_error *err);
LB_MUST_CHECK int vacuum_window_note_pass(lb_ctx *ctx, vacuum_window *w, const char *database, lb_error *err);

/* The first of the three known hours in a row with the least of 24 sums; -1: there are none, as unknown ones (negative)
 * lie between. Pure. */
int vacuum_quiet_hour(const double calls[24]);

#endif
