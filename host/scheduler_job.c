/* The times of a job's cron, with the last answers remembered: its targets ask for the same ones in turn. */
#include "scheduler_internal.h"

#define MOST_COUNTED 4096 /* slots counted one by one; past that the period tells */

/* Makes floor_slot <= at < next_slot. */
static void find_span(const table *t, job *j, int64_t at)
{
    if (j->floor_slot <= at && at < j->next_slot)
        return;
    if (j->next_slot != NEVER && at >= j->next_slot) { /* most often it is the next span */
        j->floor_slot = j->next_slot;
        j->next_slot = cron_next(&j->cron, t->zone, j->floor_slot);
        if (at < j->next_slot)
            return;
    }
    j->next_slot = cron_next(&j->cron, t->zone, at);
    j->floor_slot = cron_previous(&j->cron, t->zone, at + 1);
}

int64_t job_floor(const table *t, job *j, int64_t at)
{
    find_span(t, j, at);
    return j->floor_slot;
}

int64_t job_next(const table *t, job *j, int64_t after)
{
    find_span(t, j, after);
    return j->next_slot;
}

uint32_t job_count(const table *t, job *j, int64_t after, int64_t until)
{
    if (after >= until)
        return 0;
    if (j->counted && j->count_from == after && j->count_to == until)
        return j->counted;
    uint32_t count = 0;
    int64_t slot = after;
    while (count < MOST_COUNTED) {
        int64_t next = cron_next(&j->cron, t->zone, slot);
        if (next > until)
            break;
        slot = next;
        count++;
    }
    if (count == MOST_COUNTED)
        count += (uint32_t)((until - slot) / j->period > INT32_MAX ? INT32_MAX : (until - slot) / j->period);
    j->count_from = after;
    j->count_to = until;
    j->counted = count;
    return count;
}
