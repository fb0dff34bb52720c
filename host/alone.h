/* alone.h: when an awake compute is left alone. To the platform a look at it is activity like any other, so that it
 * never sleeps while somebody looks more often than its timeout. Where nobody else has been active for that long, we
 * are all that keeps it awake: then nothing that comes often is started on it until somebody else comes, which the
 * control plane knows without waking anybody. Pure logic. [supervisor] */
#ifndef LBOPS_HOST_ALONE_H
#define LBOPS_HOST_ALONE_H

#include "job.h"

/* Of one target; all zero in the beginning. */
typedef struct alone {
    alone_sight seen;         /* the latest; at 0: none */
    int64_t others_at;        /* others were last active, as far as anybody knows */
    int64_t others_count;     /* sessions of others since the server started, at least; and any number before us */
    int64_t started_at;       /* the server */
    int64_t opened;           /* sessions of ours, of runs that have ended */
    int64_t kept_at;          /* the last snapshot of its statistics; 0: none */
    int64_t since;            /* it is left alone; 0: it is not */
    int64_t under_way;        /* runs of ours */
    int64_t touched_at;       /* when the last of ours was at work there */
    int64_t counted_until;    /* the time that it was awake only for us is known until then; 0: nobody has counted */
    bool is_counting;         /* one of those under way counts it: the same time is never counted twice */
    bool is_kept;             /* snapshots are taken of its statistics, which go when it sleeps */
    bool has_news, has_count; /* a sight that waits to be judged; others were counted */
} alone;

/* A run that comes every so often (microseconds): may it go ahead on a target that is left alone? */
bool alone_spares(const alone *a, int64_t period);

/* A run begins: is it to look at its end? A look costs a statement and a question to the control plane. */
bool alone_wants_sight(const alone *a, int64_t now);
void alone_begin(alone *a);

/* A run that was begun has ended. touched_at: it was at work on the target until then; 0: it never came to that. True:
 * from here on the target is left alone. */
bool alone_end(alone *a, const alone_sight *sight, int64_t touched_at);

/* A run begins that could count the time that the compute is awake only for us: from then on; 0: another one does. */
int64_t alone_count(alone *a, int64_t now);
void alone_counted(alone *a, int64_t until); /* it has ended; until 0: it could not */

void alone_note_kept(alone *a, int64_t at); /* a snapshot that was begun then */

#endif
