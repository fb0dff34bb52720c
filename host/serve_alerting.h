/* serve_alerting.h: an event on its way to an alert. */
#ifndef LBOPS_HOST_SERVE_ALERTING_H
#define LBOPS_HOST_SERVE_ALERTING_H

#include "serve_internal.h"

typedef enum severity { SEVERITY_NONE, SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_CRITICAL } severity;

extern const char *const serve_severities[];
severity serve_severity(const char *name); /* of none that there is: a warning */

/* The alert in hand: one at a time. */
typedef struct alerting {
    serve *serve;
    uint64_t seq;
    char *key, *text, *document, *change, *kind, *tool, *project, *branch;
    char *metric, *object, *action; /* of a threshold; else NULL, and ... */
    double value, threshold;        /* ... NaN */
    double remind_s; /* whoever sees it says it again after so long; 0: never; NaN: as the host thinks best */
    severity severity;
    bool resolves, is_keyed; /* is_keyed: the key says already whose it is */
    bool ends_all;           /* no alert itself: it ends those of its branch */
    char *acknowledged;      /* who has taken it on, as JSON; NULL: nobody */
    bool is_acknowledging;   /* no news of the alert itself, but of a person */
    bool is_reminding;       /* nor here: its time is over, and nobody has said it again */
    bool is_treating;        /* nor here, but of what was done about it */
    char *treated;           /* that, as JSON; NULL: nothing that anybody has said */
    char *from;              /* here it is that host that is gone, and has not told everybody; or NULL */
    bool takes_over;         /* those hear of it now, from us */
    char *teller;            /* who tells it, and whom that has reached, as JSON; NULL: hosts do not share */
    char *said, *line;       /* their words; what is told where that is not text; or NULL */
    bool is_unread;          /* what is known of it could not be read or written: it is tried again */
    int64_t told_at;         /* when it was last told */
    int64_t at, version, fired_at;
    int64_t count, reminders; /* how often it was reported, and people were reminded */
    uint32_t depth;
    buf hears, knew, told; /* lists of names: who hears of this step, who heard before it, who has then */
    ev_timer again;
} alerting;

/* serve_remind.c: a moment in what the state knows of an alert, */
int64_t serve_alert_time(struct json_object *alert, const char *name, int64_t fallback);
/* and whether it is time to say it again. remind_s: as whoever has seen it says, or NaN. Runs do not begin to the
 * second. */
bool serve_remind_due(const serve *s, struct json_object *alert, severity level, double remind_s, int64_t at);

/* A reminder's line: that it is one, since when the alert is open and how often it was reported. The caller frees. */
char *serve_remind_line(const alerting *a);

/* serve_remind.c: the same person has said the same before. */
bool serve_is_known_word(const alerting *a, struct json_object *before);

/* serve_treated.c: what an event says was done, as JSON; the caller frees. */
char *serve_treatment(const event *e, struct json_object *payload);
/* It is not what is known already, nor that nothing was done after something was. known: the document; or NULL. */
bool serve_treats_anew(struct json_object *known, const char *treated);
/* What was done before belongs to the alert until that ends. */
void serve_carry_treatment(alerting *a, struct json_object *before);
void serve_put_done(alerting *a); /* into its document */

/* serve_reach.c: who tells of an alert, where hosts share the state. What is known of it says whose log of events its
 * notes stand in, which host that was, and whom it has reached since the alert is as bad as it is. is_again: the event
 * has been taken before. */
/* By another host's log it has ended, or begun anew, since that was seen. */
bool serve_is_overtaken(const alerting *a, struct json_object *alert, int64_t ended_at, bool is_open);
bool serve_takes_over(const alerting *a, struct json_object *alert, bool is_open, bool is_again);
char *serve_teller(const alerting *a, struct json_object *alert, bool is_open); /* the caller frees */
struct json_object *serve_reached(struct json_object *alert);                   /* a list, or NULL */
/* The host that has not told all and is gone, as nobody of that name is in `live`; NULL: none, or it is not ours to
 * tell. It lives as long as the alert. */
const char *serve_left_by(const serve *s, struct json_object *alert, const text_map *live);

/* serve_judge.c: kind, what tells two alerts of that kind apart, how bad, and the line for people. False: it is worth
 * none, and nothing is to be freed. */
bool serve_judge(alerting *a, const event *e, struct json_object *payload);

/* The event as a document; of one that is too long to go into another one, what tells it. The caller frees. */
char *serve_describe(const event *e);

void serve_alerting_done(alerting *a); /* its texts and lists are freed */

#endif
