/* Preloaded into a server of a test: its clock is off from the machine's by SERVER_CLOCK_S seconds, however it asks.
 * The number is read once: a server asks for the time in its signal handlers, too. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SEEN __attribute__((visibility("default"))) /* takes the place of the C library's */

static time_t off;

__attribute__((constructor)) static void begin(void)
{
    const char *seconds = getenv("SERVER_CLOCK_S");
    off = seconds ? (time_t)strtol(seconds, NULL, 10) : 0;
}

SEEN int clock_gettime(clockid_t id, struct timespec *t)
{
    long r = syscall(SYS_clock_gettime, id, t);
    if (r == 0 && id == CLOCK_REALTIME)
        t->tv_sec += off;
    return (int)r;
}

SEEN int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
    struct timespec now;
    int r = clock_gettime(CLOCK_REALTIME, &now);
    (void)zone; /* nobody gives one any more */
    if (r == 0)
        *t = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = (suseconds_t)(now.tv_nsec / 1000)};
    return r;
}

SEEN time_t time(time_t *t)
{
    struct timespec now;
    time_t seconds = clock_gettime(CLOCK_REALTIME, &now) == 0 ? now.tv_sec : (time_t)-1;
    if (t)
        *t = seconds;
    return seconds;
}
