/* cause_release.h: statements that are counted for the first time, and what is known of them. */
#ifndef LBOPS_CAUSE_RELEASE_H
#define LBOPS_CAUSE_RELEASE_H

#include "cause_look.h"

typedef struct cause_new {
    const diagnose_statements_row *row;
    int64_t came_after;                         /* the last reading at which it was not counted */
    double calls, ms, blocks_read, temp_blocks; /* since the reading before */

    /* cause_release_facts.c: */
    const char *text;
    int64_t shape;         /* of its text; 0: not known yet */
    int64_t counted_since; /* as the server says; 0: it does not */
    bool is_out;           /* it is ours, or no work, or was there before */
} cause_new;

typedef struct cause_release {
    cause_look *look;
    cause_new *items; /* of all roles, those that took most time first */
    size_t count;
    double all_ms;       /* that statements of the database took since the reading before */
    int64_t known_since; /* since then it is known which statements there were */

    /* Those of one role that came at one time: */
    const char *user;
    int64_t from; /* the first of them came after that */
    cause_arrival arrival;
    const cause_new *worst;
} cause_release;

/* Statements of that role which are called several times each and came at the time that most of them did. */
bool cause_release_has(const cause_release *release, const cause_new *item);
/* Leaves out what is no new work, by texts and by history. */
LB_MUST_CHECK int cause_release_texts(cause_release *release, lb_error *err);
LB_MUST_CHECK int cause_release_past(cause_release *release, lb_error *err);
/* What is near it in time and may have brought it, in words; NULL: nothing is. *ret_unseen: nobody of them is
 * connected, which would show more. *ret_change: the statement, where it was one of ours; its values are in no words.
 */
const char *cause_release_near(const cause_release *release, bool *ret_unseen, const char **ret_change);
/* The names of applications under which their roles are connected, and since when they are seen. */
LB_MUST_CHECK int cause_note_applications(cause_look *look, lb_error *err);

#endif
