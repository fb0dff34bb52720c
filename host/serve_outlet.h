/* serve_outlet.h: the inside of an outlet, for what brings messages to it. */
#ifndef LBOPS_HOST_SERVE_OUTLET_H
#define LBOPS_HOST_SERVE_OUTLET_H

#include "serve_internal.h"

#include "alert_digest.h"
#include "alert_note.h"

typedef struct outlet outlet;
typedef struct second second;

struct outlet {
    serve *serve;
    outlet *next;
    const manifest_service *named;
    service *service; /* NULL: there is no such plugin */
    char *label, *subscription;
    alert_note *sending;
    int tries;
    second *second; /* NULL: it has none */
    alert_digest held;
    int64_t *sent; /* monotonic times of the last messages, oldest first */
    size_t sent_count;
    uint64_t *folded; /* seqs of what is in the last digest */
    size_t folded_count;
    bool is_over; /* it is being stopped: whoever is answered now leaves all as it is */
    bool is_due;  /* the digest is next, after what is in hand */
    ev_timer again, due, next_turn;
};

bool outlet_is_free(const outlet *o);
bool outlet_has_folded(const outlet *o, uint64_t seq); /* into its last digest */
void outlet_take(outlet *o, alert_note *n);            /* it is free; n is its own from now on */

void outlet_go_on(alert_note *n, bool is_over); /* is_over: nobody is told of it any more */

/* serve_reach.c: what the state knows of its alert. False: there is nobody else who could have ended it, and the note
 * goes on at once; else outlet_go_on is called, also before this returns. */
bool outlet_asks(alert_note *n);
void outlet_reaches(const alert_note *n);                    /* it was delivered: that is written down there */
void outlet_write_row(const alert_note *n, const char *why); /* into history; why NULL: it was delivered */

/* serve_second.c: the channel that hears of an alert when the first one could not deliver it */
void second_start(outlet *o); /* all outlets are there */
second *second_free(second *d);
void second_remember(outlet *o, const lb_state_doc *doc);
void second_fails(outlet *o);                                      /* what it has in hand was not delivered */
void second_ends(outlet *o, const alert_note *n, const char *why); /* why NULL: it was */
void outlet_done(const outlet *to, uint64_t seq);                  /* whichever way the event came to it */
router_subscription second_subscription(const serve *s, size_t index);

#endif
