#include "alone.h"

#include "clock.h"

#define LOOK_EVERY (30 * CLOCK_SECOND)             /* or four times within the timeout */
#define RARE       (INT64_C(21600) * CLOCK_SECOND) /* six hours */

/* What comes once in six hours or more seldom keeps nothing awake, not even ten such together, and a vacuum that is
 * left out night after night does harm. It goes ahead as if others were there; it does not wake what sleeps. What comes
 * more often is left out even where its own period is longer than the timeout: a few such tools together look often
 * enough. */
bool alone_spares(const alone *a, int64_t period)
{
    return period >= RARE && period > a->seen.suspends_after_us;
}

bool alone_wants_sight(const alone *a, int64_t now)
{
    int64_t quarter = a->seen.suspends_after_us / 4, every = quarter && quarter < LOOK_EVERY ? quarter : LOOK_EVERY;
    return a->since || now - a->seen.at >= every || now < a->seen.at;
}

void alone_begin(alone *a)
{
    a->under_way++;
}

/* What a run opens is known when it ends, and a look in between counts it with those of others: so a sight is judged
 * once nothing of ours is under way. Then `opened` holds all that we had opened by the sight, and maybe some that came
 * after it: the count is too low rather than too high, and the highest one is right. Whoever has come and gone was
 * active at some time: at the sight, at the latest. */
static void judge(alone *a)
{
    const alone_sight *sight = &a->seen;
    int64_t count = sight->sessions - a->opened;
    bool is_comparable = a->has_count && a->started_at == sight->started_at;
    if (!is_comparable || count > a->others_count) {
        a->others_count = count;
        a->others_at = sight->at > a->others_at ? sight->at : a->others_at;
    }
    a->started_at = sight->started_at;
    a->has_count = true;
    a->has_news = false;
}

static void learn(alone *a, const alone_sight *sight)
{
    int64_t active_at = sight->others_at < sight->at ? sight->others_at : sight->at;
    a->others_at = active_at > a->others_at ? active_at : a->others_at;
    if (a->has_news && sight->at < a->seen.at)
        return; /* who looked later was told of first */
    a->seen = *sight;
    a->has_news = true;
}

bool alone_end(alone *a, const alone_sight *sight, int64_t touched_at)
{
    a->under_way -= a->under_way > 0; /* the target may have been away meanwhile */
    a->opened += sight->opened;
    if (sight->is_over)
        a->since = 0;
    a->touched_at = touched_at > a->touched_at ? touched_at : a->touched_at;
    if (a->since && touched_at > a->since)
        a->since = touched_at; /* what the control plane says is ours until then */
    if (sight->at)
        learn(a, sight);
    if (a->under_way || !a->has_news)
        return false;
    judge(a);
    bool is_alone = a->seen.suspends_after_us > 0 && a->seen.at - a->others_at >= a->seen.suspends_after_us;
    bool is_safe = !a->is_kept || a->kept_at > a->others_at;
    if (!is_alone)
        a->since = 0;
    if (a->since || !is_alone || !is_safe)
        return false;
    a->since = a->seen.at;
    return true;
}

/* Until a timeout after others were there, as far as is known, they are why it is awake. */
int64_t alone_count(alone *a, int64_t now)
{
    if (a->is_counting)
        return 0;
    a->is_counting = true;
    a->counted_until = a->counted_until ? a->counted_until : now;
    int64_t theirs = a->others_at + a->seen.suspends_after_us;
    return a->others_at && theirs > a->counted_until ? theirs : a->counted_until;
}

void alone_counted(alone *a, int64_t until)
{
    a->is_counting = false;
    a->counted_until = until > a->counted_until ? until : a->counted_until;
}

void alone_note_kept(alone *a, int64_t at)
{
    a->kept_at = at > a->kept_at ? at : a->kept_at;
}
