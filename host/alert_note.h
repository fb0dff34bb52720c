/* alert_note.h: what an alert service is told: made from an event alert.opened, alert.escalated,
 * alert.reminded, alert.treated, alert.acknowledged or alert.resolved. */
#ifndef LBOPS_HOST_ALERT_NOTE_H
#define LBOPS_HOST_ALERT_NOTE_H

#include "event.h"
#include "json.h"

typedef struct alert_note {
    struct outlet *outlet; /* who tells it; NULL: that one is gone, and the state answers yet */
    uint64_t seq;          /* of the event; 0: a digest */
    bool is_writing;       /* the state has not answered yet */
    bool is_tried;         /* it is not held for a digest any more */
    char *id, *key, *change, *severity, *text, *document, *rule, *metric, *project, *branch;
    int64_t at, fired_at;
} alert_note;

/* As the service of that name is told it: to one that hears of it for the first time, what got worse is new. */
alert_note *alert_note_of(const event *e, struct json_object *payload, const char *service);
/* The digest that the state has kept; key is taken over. */
alert_note *alert_note_kept(struct json_object *body, char *key, int64_t at);
void alert_note_free(alert_note *n);

/* Is the service among those that the member of the payload lists? */
bool alert_is_for(struct json_object *payload, const char *member, const char *service);
char *alert_copy(struct json_object *payload, const char *member); /* a text, "" where there is none */

#endif
