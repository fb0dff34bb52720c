/* cause_tape.h: all that a diagnosis learns, in the order in which it asks, so that it can be made again from that
 * alone.
 *
 * While a tape is in, it stands between the tool and its host: questions to the server and to history, the clock and
 * the server's version. It records what they answer, or it answers in their place. What is reported goes through it as
 * well and becomes a digest: two diagnoses with the same digest have said the same, byte by byte. */
#ifndef LBOPS_CAUSE_TAPE_H
#define LBOPS_CAUSE_TAPE_H

#include <lbops/lbops.h>

#include <json-c/json.h>

typedef struct cause_tape {
    lb_host host; /* first: it is what the run sees as its host */
    const lb_host *real;
    struct json_object *asked; /* [[question, answer], ...] */
    size_t at;                 /* of the next answer */
    bool plays;
    uint64_t said;
} cause_tape;

/* Puts a tape in. asked NULL: one that records; else it plays that. It is to be taken out before the run ends. */
LB_MUST_CHECK int cause_tape_in(lb_ctx *ctx, struct json_object *asked, cause_tape *ret_tape, lb_error *err);
void cause_tape_out(lb_ctx *ctx, const cause_tape *tape);

#endif
