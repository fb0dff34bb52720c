/* alert_digest.h: alerts that are told together, as one message: how many of which kind, where, the worst first. */
#ifndef LBOPS_HOST_ALERT_DIGEST_H
#define LBOPS_HOST_ALERT_DIGEST_H

#include "buf.h"

typedef struct alert_digest_item {
    uint64_t seq;                /* of the event that told it */
    const char *key;             /* of the alert */
    const char *what, *where;    /* the metric or kind; the target, "" where there is none */
    const char *text, *severity; /* "info", "warning" or "critical" */
    bool is_over;                /* it was resolved while it waited */
    bool is_end;                 /* the end of one that nobody was told of: kept for its seq alone */
    bool is_told;                /* people know of that alert otherwise */
    int64_t at;
} alert_digest_item;

typedef struct alert_digest {
    alert_digest_item *items; /* as they came */
    size_t count, capacity;
} alert_digest;

void alert_digest_done(alert_digest *d); /* empties it */
/* Copies the texts; NULL is "". What got worse (is_told) is not told where its beginning still waits here. */
void alert_digest_add(alert_digest *d, const alert_digest_item *item);
/* What waits under that key has been told alone meanwhile, as it got worse. */
void alert_digest_tell(alert_digest *d, const char *key);
/* Marks what waits under that key as over. True: nobody knows of it but the digest, and its end belongs there, too. */
bool alert_digest_end(alert_digest *d, const char *key);

/* The line for people, and a document such as an event's record: {"kind":"alert.digest","payload":{...}} whose payload
 * reads as facts. Both are cleared first. Answers the worst severity. */
const char *alert_digest_put(const alert_digest *d, int above, int seconds, buf *text, buf *document);

#endif
