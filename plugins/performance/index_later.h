/* index_later.h: a finding for longer than whoever tells it keeps it. */
#ifndef INDEX_LATER_H
#define INDEX_LATER_H

#include "index_work.h"

typedef struct index_later {
    index_finding *items;
    size_t count, room;
} index_later;

/* Adds a copy that lasts until the run ends; the branch it was tried on lasts until the pass has told all. */
LB_MUST_CHECK int index_later_add(lb_ctx *ctx, index_later *later, const index_finding *finding, lb_error *err);

#endif
