/* When another try is one too many. Pure: no clock, no host. */
#include "heal_memory.h"

#include <string.h>

#define HOUR (INT64_C(3600) * 1000000)

enum { MOST_AN_HOUR = 3, MOST_FAILURES = 2, LONGEST_H = 24 };

int64_t heal_pause(int64_t failures)
{
    int64_t hours = 1;
    for (int64_t i = 0; i < failures && hours < LONGEST_H; i++)
        hours *= 2;
    return (hours < LONGEST_H ? hours : LONGEST_H) * HOUR;
}

int64_t heal_failures(const heal_try *tries, size_t count, const char *key)
{
    int64_t failures = 0;
    for (size_t i = count; i-- > 0;) {
        const heal_try *t = &tries[i];
        if (!t->changed || (key && strcmp(t->key, key) != 0))
            continue;
        if (t->helped)
            return failures;
        failures++;
    }
    return failures;
}

/* The circuit stays broken for a day after the last failure: a person had the time to look. */
heal_hold heal_judge(const heal_try *tries, size_t count, const char *key, int64_t now)
{
    int64_t lately = 0, last_failure = INT64_MIN;
    int64_t pause = heal_pause(heal_failures(tries, count, key));
    for (size_t i = 0; i < count; i++) {
        const heal_try *t = &tries[i];
        if (strcmp(t->key, key) == 0 && now - t->at < pause)
            return HEAL_TOO_SOON;
        lately += t->changed && now - t->at < HOUR;
        if (t->changed && !t->helped)
            last_failure = t->at;
    }
    if (lately >= MOST_AN_HOUR)
        return HEAL_TOO_MANY;
    bool is_broken = heal_failures(tries, count, NULL) >= MOST_FAILURES && now - last_failure < LONGEST_H * HOUR;
    return is_broken ? HEAL_BROKEN : HEAL_FREE;
}

heal_turn heal_judge_after(const heal_after *seen)
{
    if (seen->altered)
        return HEAL_BY_HAND;
    if (!seen->stands && seen->went_back)
        return HEAL_HELPED;
    return (seen->stands || seen->is_told) && seen->age >= seen->settle ? HEAL_IN_VAIN : HEAL_WAITS;
}
