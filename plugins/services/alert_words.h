/* alert_words.h: what an alert says to people: what, where, since when, how bad, why we think so, and what they can do,
 * with the command for it. Made once, from the host's note, for every service. [service] */
#ifndef LBOPS_SERVICES_ALERT_WORDS_H
#define LBOPS_SERVICES_ALERT_WORDS_H

#include "service_ground.h"

#define ALERT_FACTS 24

typedef struct alert_fact {
    const char *name;
    char *value; /* one line */
} alert_fact;

typedef struct alert_words {
    char *title;     /* "critical: shop/production: orders is past its limit", "resolved: ..." */
    char *where;     /* "shop/production", or "the workspace" */
    char *since;     /* "2026-01-31 23:59:00 UTC" */
    char *done;      /* what has been done about it, or NULL */
    char *procedure; /* the one for it, and how to see what came of it; or NULL */
    char *source;    /* "evaluate_alert_thresholds, run 01JD...", or NULL */
    char *command;   /* what a person can do next; NULL: nothing */
    alert_fact facts[ALERT_FACTS];
    size_t fact_count;
    struct json_object *document; /* the names of the facts live in it */
} alert_words;

/* The tool that says more about a metric, with its options. */
const char *alert_look_for(const char *metric);

/* Zeroes the words first; done is due in any case. */
LB_MUST_CHECK int alert_words_make(const lb_alert_note *note, alert_words *ret_words, lb_error *err);
void alert_words_done(alert_words *w);

/* Adds where, since, done, procedure, from and next as texts, those that there are. False: no memory. */
bool alert_words_put(const alert_words *w, struct json_object *into);

/* All of it as plain lines, for mails and logs. NULL: no memory. The caller frees. */
char *alert_words_text(const alert_words *w);

#endif
