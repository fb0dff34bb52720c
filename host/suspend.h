/* suspend.h: tools that crashed too often rest until a person says otherwise. What is known stands in a small file per
 * tool in the state directory, so that one-shot runs and daemons see the same. [supervisor] */
#ifndef LBOPS_HOST_SUSPEND_H
#define LBOPS_HOST_SUSPEND_H

#include "base.h"

typedef struct suspend_book suspend_book;

/* limit: crashes in a row that suspend. */
LB_MUST_CHECK int suspend_open(const char *state_dir, int limit, suspend_book **ret_book, lb_error *err);
suspend_book *suspend_close(suspend_book *book);

/* LB_ERR_SUSPENDED when the tool rests, with since when, why, and how to wake it. */
LB_MUST_CHECK int suspend_check(const suspend_book *book, const char *tool, lb_error *err);

/* A crash; true when this one suspended the tool. A failure to write is in err, and the crash still counts here. */
bool suspend_note_crash(suspend_book *book, const char *tool, const char *reason, lb_error *err);
void suspend_note_success(suspend_book *book, const char *tool); /* crashes must be in a row */

/* Ends the rest. LB_ERR_NOT_FOUND: it does not rest. */
LB_MUST_CHECK int suspend_resume(suspend_book *book, const char *tool, lb_error *err);

bool suspend_is_suspended(const suspend_book *book, const char *tool);

#endif
