/* fuzz_zone: any bytes are a zone or are refused; in one that was taken, schedules have times, each after the last, and
 * the time before is found again. The first eight bytes are the moment to start from. */
#include "clock.h"
#include "cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_schedule(const char *text, const zone *z, int64_t moment)
{
    cron c;
    lb_error err;
    require(cron_parse(text, &c, &err) == 0);
    for (int i = 0; i < 20; i++) {
        int64_t next = cron_next(&c, z, moment);
        require(next > moment);
        if (next == INT64_MAX)
            return;
        require(cron_next(&c, z, next - 1) == next);
        require(cron_previous(&c, z, next + 1) == next);
        moment = next;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const schedules[] = {"*/7 * * * *", "30 2 * * *", "0 0-22 1,15 * *", "17 * * * sun"};
    int64_t moment, until;
    zone *z = NULL;
    lb_error err = {0};
    if (size < sizeof moment)
        return 0;
    memcpy(&moment, data, sizeof moment);
    moment = INT64_C(1767225600000000) + moment % (INT64_C(1) << 51); /* some 70 years each way */
    if (zone_parse("fuzzed", (const char *)data + sizeof moment, size - sizeof moment, &z, &err) < 0) {
        require(err.code == LB_ERR_INVALID && err.message[0]);
        return 0;
    }
    int64_t second = moment / CLOCK_SECOND;
    (void)zone_offset(z, second, &until);
    require(until > second);
    for (size_t i = 0; i < sizeof schedules / sizeof schedules[0]; i++)
        check_schedule(schedules[i], z, moment);
    (void)zone_free(z); /* gives NULL */
    return 0;
}
