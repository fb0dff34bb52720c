/* delta_ledger.h: which outbox files a table has taken, so that none is taken twice.
 *
 * Why it holds. Before a commit, the ledger gets one synced line: the commit's sequence number and the ids of the files
 * in it. The commit carries a `txn` action with our application id and that number, so the log alone decides whether
 * the line counts: a line whose number is above the log's is void (we died before the commit, or it failed), and a
 * later line with the same number takes its place. From then on an id that counts is never committed again, whether the
 * process died before it removed the file, or the removal failed, or the file turns up again from a backup.
 *
 * Names of outbox files sort by the time they were made, but appear out of order (a long run shows an early name late),
 * so a high-water mark alone would lose files; ids are kept one by one. They cannot be kept for ever: `floor` is the
 * name below which they have been forgotten. A file below it can no longer be judged, and is set aside instead of being
 * lost or doubled. The floor rises only past ids that are older than a number of days and older than anything that
 * still waits.
 *
 * Without its file (somebody deleted it) the ledger is made again from the commits, which name their files, too. */
#ifndef LBOPS_SERVICES_DELTA_LEDGER_H
#define LBOPS_SERVICES_DELTA_LEDGER_H

#include "delta_log.h"

#define DELTA_ID_LENGTH                                                                                                \
    26 /* what the outbox names its files: 48 bits of milliseconds and 80 random ones in base 32                       \
        */
#define DELTA_ID_TEXT (DELTA_ID_LENGTH + 1)

typedef struct delta_ledger_entry {
    int64_t sequence;
    char id[DELTA_ID_TEXT];
} delta_ledger_entry;

typedef struct delta_ledger {
    char *path;
    int fd;
    char application[64];
    char floor[DELTA_ID_TEXT]; /* the largest id that was forgotten; "": none */
    delta_ledger_entry *entries;
    size_t count, capacity;
    uint32_t *slots; /* of a hash table: index of an entry + 1 */
    size_t slot_count;
} delta_ledger;

bool delta_id_is_sound(const char *id);
int64_t delta_id_time(const char *id);                          /* microseconds */
void delta_id_at(int64_t microseconds, char id[DELTA_ID_TEXT]); /* the smallest id of that moment */

/* Opens or makes the ledger beside the table whose newest snapshot is given. */
LB_MUST_CHECK int delta_ledger_open(delta_ledger *ledger, const char *directory, const delta_snapshot *snapshot,
                                    lb_error *err);
void delta_ledger_close(delta_ledger *ledger);

bool delta_ledger_has(const delta_ledger *ledger, const char *id);
bool delta_ledger_forgot(const delta_ledger *ledger, const char *id); /* not above the floor */

/* Writes the line that goes before a commit. */
LB_MUST_CHECK int delta_ledger_intend(delta_ledger *ledger, int64_t sequence, const char *const *ids, size_t count,
                                      lb_error *err);
/* The commit stands. */
void delta_ledger_count(delta_ledger *ledger, int64_t sequence, const char *const *ids, size_t count);

/* Forgets ids below `before`. */
LB_MUST_CHECK int delta_ledger_prune(delta_ledger *ledger, const char *before, lb_error *err);

#endif
