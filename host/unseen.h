/* unseen.h: what monitoring no longer sees. Where scheduled runs fail one after the other, be it one tool's or, as
 * nobody answers there, everybody's, we have gone blind, and that is an alert of its own: silence looks like health.
 * What is known stands in the state service (space "unseen"), so that it survives a restart. A run that was left out
 * because the compute sleeps says nothing. [supervisor] */
#ifndef LBOPS_HOST_UNSEEN_H
#define LBOPS_HOST_UNSEEN_H

#include "state_client.h"

#define UNSEEN_SPACE "unseen"
#define UNSEEN_AFTER 3 /* failures in a row */

typedef struct unseen_book unseen_book;

/* One scheduled run that has ended. */
typedef struct unseen_look {
    const char *tool;             /* NULL: any of them, as the target was out of reach or has answered */
    const char *project, *branch; /* project NULL: the workspace */
    const char *reason;           /* it could not see; NULL: it could */
    int64_t at;
} unseen_look;

typedef enum unseen_change {
    UNSEEN_NOTHING,
    UNSEEN_BEGAN, /* it is blind from now on */
    UNSEEN_OVER   /* the last of what was blind on its target sees again */
} unseen_change;

unseen_book *unseen_new(void);
unseen_book *unseen_free(unseen_book *book);

/* Takes over what the state knows: all documents of the space. */
void unseen_take(unseen_book *book, wire_reader *docs);

/* Where hosts share the state each place is one host's to look at. It goes to another: what we know of it is old from
 * now on. The state is not touched. project NULL: the workspace. */
void unseen_drop(unseen_book *book, const char *project, const char *branch);
/* It comes to us: of that place, what the state knows holds and nothing else. docs as above. */
void unseen_take_over(unseen_book *book, const char *project, const char *branch, wire_reader *docs);

/* *ret_since: when the first of the failures was, for both changes. *ret_moved: the state has to hear of it. */
unseen_change unseen_note(unseen_book *book, const unseen_look *look, int64_t *ret_since, bool *ret_moved);

/* Does the schedule still look there, with that tool? tool NULL: with any; project NULL: at the workspace. */
typedef bool unseen_looks(void *state, const char *tool, const char *project, const char *branch);

/* Failures of a tool at a place where it is not sent any more. */
typedef struct unseen_left {
    char *tool, *project, *branch; /* NULL as in unseen_look */
    int64_t since;
    bool is_over; /* nothing else is blind at that place, and it was */
} unseen_left;

/* Forgets one of those; false: there is none (more). The caller tells the state, and hands it to unseen_left_done. */
bool unseen_leave(unseen_book *book, unseen_looks *looks, void *state, unseen_left *ret_left);
void unseen_left_done(unseen_left *left);

/* Adds what the book now says of that tool there to the open transaction. */
void unseen_put(const unseen_book *book, state_client *state, const unseen_look *look);

#endif
