/* index_rebuild.h: how large indexes are once they are new, by building them anew on a throwaway branch. */
#ifndef INDEX_REBUILD_H
#define INDEX_REBUILD_H

#include "index_trial.h"

typedef struct index_rebuilt {
    const index_info *index;
    int64_t bytes; /* of the new one; -1: it was not built, which has been said */
    double ms;
} index_rebuilt;

LB_MUST_CHECK int index_rebuild(index_trial *trial, index_rebuilt *list, size_t count, lb_error *err);

#endif
