/* Transactions that wrote when a pair was last looked at, or may have since, and have ended. What such a one has
 * committed is stamped with when it began, long before others that the copy has already: until the copy is known to
 * have been synced after its end, nobody can tell whether those rows are lost or on their way. */
#include "sync_book.h"
#include "sync_compare.h"

#define SECOND INT64_C(1000000)

bool sync_has_had_time(const sync_wish *wish, const sync_counts *counts, int64_t since)
{
    int64_t synced = counts->target_latest == SYNC_NO_TIME ? counts->copy_at : counts->target_latest;
    bool moved = synced - wish->grace_s * SECOND > since;
    return moved || counts->now - since >= wish->limit_s * SECOND;
}

/* Where there is no room, the oldest two become one: copies that are synced rarely wait for both. */
static void add(sync_entry *e, sync_ended ended)
{
    if (e->ended_count == SYNC_ENDED_MOST) {
        e->ended[1].since = e->ended[0].since < e->ended[1].since ? e->ended[0].since : e->ended[1].since;
        memmove(e->ended, e->ended + 1, (SYNC_ENDED_MOST - 1) * sizeof *e->ended);
        e->ended_count--;
    }
    e->ended[e->ended_count++] = ended;
}

/* One that was young then is not likely to have lasted until now. If it were taken to have, a server on which somebody
 * always writes would have its rows compared one look later, all of them. */
static void note_end(const sync_wish *wish, const sync_counts *counts, sync_entry *e)
{
    bool ended = e->looked_at && e->writer != SYNC_NO_TIME &&
                 (counts->writes_since == SYNC_NO_TIME || counts->writes_since > e->writer);
    bool was_long = ended && e->looked_at - e->writer >= wish->grace_s * SECOND;
    if (ended)
        add(e, (sync_ended){e->writer, was_long ? counts->now : e->looked_at});
}

/* One that had only read then, for long, may have written its first row since. */
static void note_late(const sync_counts *counts, sync_entry *e)
{
    bool reads = counts->open_since != SYNC_NO_TIME && counts->open_since <= e->reader,
         writes = counts->writes_since != SYNC_NO_TIME && counts->writes_since <= e->reader;
    if (e->reader == SYNC_NO_TIME || reads || writes)
        return;
    add(e, (sync_ended){e->reader, counts->now});
    e->reader = SYNC_NO_TIME;
}

static void forget(const sync_wish *wish, const sync_counts *counts, sync_entry *e)
{
    size_t kept = 0;
    for (size_t i = 0; i < e->ended_count; i++)
        if (!sync_has_had_time(wish, counts, e->ended[i].by))
            e->ended[kept++] = e->ended[i];
    e->ended_count = kept;
}

int64_t sync_note_writers(const sync_wish *wish, const sync_counts *counts, sync_entry *e)
{
    int64_t oldest = SYNC_NO_TIME;
    note_end(wish, counts, e);
    note_late(counts, e);
    forget(wish, counts, e);
    e->looked_at = counts->now;
    e->writer = counts->writes_since;
    for (size_t i = 0; i < e->ended_count; i++)
        oldest = oldest == SYNC_NO_TIME || e->ended[i].since < oldest ? e->ended[i].since : oldest;
    return oldest;
}
