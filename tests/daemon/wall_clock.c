/* Preloaded into a daemon: its wall clock is off by as many seconds as the file that WALL_CLOCK names says. Setting the
 * machine's own clock would move everybody's. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

__attribute__((visibility("default"))) int clock_gettime(clockid_t id,
                                                         struct timespec *t) /* takes the place of the C library's */
{
    long r = syscall(SYS_clock_gettime, id, t), seconds = 0;
    const char *path = getenv("WALL_CLOCK");
    FILE *file = id == CLOCK_REALTIME && path ? fopen(path, "re") : NULL;
    if (file) {
        if (fscanf(file, "%ld", &seconds) == 1)
            t->tv_sec += seconds;
        (void)fclose(file); /* it was read only */
    }
    return (int)r;
}
