/* health_book.h: the alerts of one target between two evaluations, as they are remembered. */
#ifndef LBOPS_HEALTH_BOOK_H
#define LBOPS_HEALTH_BOOK_H

#include "health_alert.h"
#include "health_measure.h"

typedef struct health_entry {
    health_alert_id id;
    const char *object, *schema, *table; /* or NULL */
    const char *database;                /* that has it; NULL: it is the server's, or nobody knows */
    const char *incident;                /* what it belongs to once it was told; or NULL */
    health_alert alert;
    bool is_seen; /* in this evaluation */
} health_entry;

typedef struct health_book {
    health_entry *entries;
    size_t count, capacity;
} health_book;

LB_MUST_CHECK int health_book_load(lb_ctx *ctx, const health_reading *reading, health_book *ret_book, lb_error *err);
/* The tables of the book that is in a memory (or NULL) and that are past their limit: they are followed to their end.
 */
LB_MUST_CHECK int health_book_tables(lb_ctx *ctx, const char *before, lb_texts *ret_tables, lb_error *err);
/* What is told of an observation, made where there is nothing yet. NULL: out of memory. */
health_entry *health_book_entry(lb_ctx *ctx, health_book *book, const health_observation *o);
/* It is past its limit, or has been and its alert is open. */
bool health_book_follows(const health_book *book, const health_observation *o);
/* Into what the reading will remember; what is closed and at rest is forgotten. */
LB_MUST_CHECK int health_book_store(const health_book *book, health_reading *reading, lb_error *err);

/* The incident that a new alert belongs to: that of others which began within five minutes, else its own. */
const char *health_book_incident(lb_ctx *ctx, const health_book *book, const health_entry *entry);

#endif
