/* cause_kept.h: a diagnosis with all that it was made from, as history keeps it. */
#ifndef LBOPS_CAUSE_KEPT_H
#define LBOPS_CAUSE_KEPT_H

#include "cause_tape.h"

typedef struct cause_kept {
    const char *id; /* a digest of the inputs */
    const char *metric, *verdict;
    int64_t at, found;
    uint64_t said;
    const char *inputs;
} cause_kept;

/* What was asked, how, and after which reading; before: NULL, there was none. Fills id and inputs. */
LB_MUST_CHECK int cause_keep_inputs(lb_ctx *ctx, const lb_param *params, const char *before, const cause_tape *tape,
                                    cause_kept *kept, lb_error *err);
/* Writes it down. One that is too large is skipped, and then its id is NULL. */
LB_MUST_CHECK int cause_keep(lb_ctx *ctx, cause_kept *kept, lb_error *err);

/* The inputs as they were. asked belongs to the run. */
typedef struct cause_inputs {
    const char *before;
    struct json_object *args, *asked;
    const char *verdict, *said, *project, *branch; /* then */
    int64_t at;
} cause_inputs;

LB_MUST_CHECK int cause_recall_inputs(lb_ctx *ctx, const char *id, cause_inputs *ret_inputs, lb_error *err);
/* Into a struct of the tool's arguments. What is missing stays as it is. */
void cause_take_args(const lb_param *params, struct json_object *from, void *args);

#endif
