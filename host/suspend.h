/* suspend.h: tools that crashed too often, or that a person has stopped, rest until a person says otherwise. What is
 * known stands in the state service (space "suspension"), so that one-shot runs, daemons and other hosts see the same.
 * [supervisor] */
#ifndef LBOPS_HOST_SUSPEND_H
#define LBOPS_HOST_SUSPEND_H

#include "state_client.h"

#define SUSPEND_SPACE "suspension"

struct json_object;
typedef struct suspend_book suspend_book;

suspend_book *suspend_new(int limit); /* crashes in a row that suspend */
suspend_book *suspend_free(suspend_book *book);

/* Takes over what the state knows: all documents of the space. */
void suspend_take(suspend_book *book, wire_reader *docs);
/* The same at a later time: what people have said meanwhile, perhaps to another host. */
void suspend_follow(suspend_book *book, wire_reader *docs);
/* One document of the space. */
void suspend_set(suspend_book *book, const char *tool, struct json_object *body);

/* LB_ERR_SUSPENDED when the tool rests, with since when, why, and how to wake it. */
LB_MUST_CHECK int suspend_check(const suspend_book *book, const char *tool, lb_error *err);
bool suspend_is_suspended(const suspend_book *book, const char *tool);

/* A crash; true when this one suspended the tool. */
bool suspend_note_crash(suspend_book *book, const char *tool, const char *reason);
/* Crashes must be in a row. True: there was something to forget. */
bool suspend_note_success(suspend_book *book, const char *tool);
/* A person stops it, until it is resumed. */
void suspend_by_person(suspend_book *book, const char *tool, const char *by, const char *because);
/* Ends the rest. LB_ERR_NOT_FOUND: it does not rest. */
LB_MUST_CHECK int suspend_resume(suspend_book *book, const char *tool, lb_error *err);

/* Adds what the book now says of the tool to the open transaction. */
void suspend_put(const suspend_book *book, state_client *state, const char *tool);

#endif
