/* fuzz_cron: a schedule that parses has times that match it, each after the last, with nothing between them. The first
 * eight bytes are the moment to start from. */
#include "clock.h"
#include "cron.h"

#include <time.h>

#define MINUTE (60 * CLOCK_SECOND)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool matches_at(const cron *c, int64_t microseconds)
{
    time_t seconds = (time_t)(microseconds / CLOCK_SECOND);
    struct tm t;
    require(gmtime_r(&seconds, &t) != NULL);
    return cron_matches(c, t.tm_min, t.tm_hour, t.tm_mday, t.tm_mon + 1, t.tm_wday);
}

static void check_times(const cron *c, int64_t after)
{
    int64_t next = cron_next_utc(c, after);
    require(next > after || next == INT64_MAX);
    if (c->every_s) {
        require(next == INT64_MAX || (next % (c->every_s * CLOCK_SECOND) == 0 && cron_next_utc(c, next - 1) == next));
        return;
    }
    if (next == INT64_MAX || next < 0)
        return; /* before 1970 the division above rounds the other way */
    require(next % MINUTE == 0 && matches_at(c, next));
    require(cron_next_utc(c, next - 1) == next);
    for (int64_t between = next - MINUTE; between > after && between > next - 500 * MINUTE; between -= MINUTE)
        require(!matches_at(c, between));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t after;
    cron parsed;
    lb_error err = {0};
    if (size < sizeof after)
        return 0;
    memcpy(&after, data, sizeof after);
    char *text = base_alloc(size - sizeof after + 1);
    memcpy(text, data + sizeof after, size - sizeof after);
    int r = cron_parse(text, &parsed, &err);
    if (r < 0) {
        require(r == LB_ERR_INVALID && err.message[0]);
    } else {
        require(parsed.every_s ? parsed.every_s >= 1 && parsed.every_s <= 86400
                               : parsed.minutes && parsed.hours && parsed.days && parsed.months && parsed.weekdays);
        require(!(parsed.minutes >> 60) && !(parsed.hours >> 24) && !(parsed.days & 1) && !(parsed.months & 1) &&
                !(parsed.weekdays >> 7));
        check_times(&parsed, after);
        check_times(&parsed, INT64_C(1767225600000000) + after % (INT64_C(1) << 50));
    }
    free(text);
    return 0;
}
