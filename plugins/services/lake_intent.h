/* lake_intent.h: what a reset is about to do, on disk before it does it: one file per branch in STATE_DIR/resets. As
 * long as the file is there, the branch may be missing, and the next reset of that name goes on from it. [worker] */
#ifndef LBOPS_SERVICES_LAKE_INTENT_H
#define LBOPS_SERVICES_LAKE_INTENT_H

#include "rest_json.h"

typedef struct lake_intent {
    int dir;  /* of the intents */
    int lock; /* held as long as the reset is under way */
    char name[140];
    struct json_object *document; /* NULL: there is no intent yet */
} lake_intent;

/* Takes the branch's lock and reads its intent, if it has one. LB_ERR_CONFLICT: another reset of it is under way. */
LB_MUST_CHECK int lake_intent_open(const char *state_dir, const char *project, const char *branch,
                                   lake_intent *ret_intent, lb_error *err);
/* Takes the document over. When it returns 0, the intent survives a crash. */
LB_MUST_CHECK int lake_intent_save(lake_intent *intent, struct json_object *document, lb_error *err);
LB_MUST_CHECK int lake_intent_remove(lake_intent *intent, lb_error *err);
void lake_intent_close(lake_intent *intent);

bool lake_intent_exists(const char *state_dir, const char *project, const char *branch);
/* Calls `each` with "project/branch" for every intent that is there and that nobody works at. */
void lake_intent_each(const char *state_dir, void (*each)(void *arg, const char *name), void *arg);

#endif
