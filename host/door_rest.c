/* A rest between changes: a statement says how long others have the server to themselves, and we wait for it out here.
 *
 * A statement that sleeps in the server (pg_sleep) would hold a snapshot meanwhile, and what others update over and
 * over could not be cleaned up behind them: a pause meant for them would slow them down. */
#include "door.h"

#include "compose.h"

#include <math.h>

#define LONGEST (3600 * CLOCK_SECOND)
#define SLICE   (CLOCK_SECOND / 10)

typedef struct door_rest {
    double at_least, times, at_most; /* seconds, but for times */
} door_rest;

int door_add_rest(change *c, lb_error *err)
{
    c->rest = arena_alloc(c->group->run->memory, sizeof *c->rest);
    if (!c->rest)
        return lb_out_of_memory(err);
    return c->group->atomic
               ? lb_fail(err, LB_ERR_INVALID, "leave .atomic out",
                         "%s would rest inside a transaction, which would hold up others", c->sql->statement->name)
               : 0;
}

int door_hear_rest(void *change_that_rests, uint32_t count, const char *const *cells, lb_error *err)
{
    const change *c = change_that_rests;
    double said[3] = {0};
    for (uint32_t i = 0; i < count && i < LB_COUNT(said); i++)
        said[i] = cells[i] ? strtod(cells[i], NULL) : 0;
    *c->rest = (door_rest){said[0], said[1], said[2]};
    (void)err; /* what cannot be read as a number is no rest */
    return 0;
}

static int64_t as_duration(double us)
{
    return isnan(us) || us <= 0 ? 0 : us < (double)LONGEST ? (int64_t)us : LONGEST;
}

int64_t door_rest_us(const change *c)
{
    const door_rest *rest = c->rest;
    int64_t at_least = as_duration(rest->at_least * CLOCK_SECOND), at_most = as_duration(rest->at_most * CLOCK_SECOND);
    int64_t wanted = as_duration(rest->times * (double)c->group->run->busy_us);
    wanted = wanted < at_most ? wanted : at_most;
    return wanted > at_least ? wanted : at_least;
}

int door_sleep(const run_state *run, int64_t us, lb_error *err)
{
    int64_t until = clock_monotonic() + us;
    int r = run_check_stop(run, err);
    for (int64_t left = us; r >= 0 && left > 0; left = until - clock_monotonic()) {
        (void)usleep(
            (useconds_t)(left < SLICE ? left : SLICE)); /* a signal ends it early, which is what they are for */
        r = run_check_stop(run, err);
    }
    return r;
}

int door_rest_now(const change *c, lb_error *err)
{
    int64_t us = door_rest_us(c);
    c->group->run->busy_us = 0;
    return door_sleep(c->group->run, us, err);
}
