/* hostile.h: a tool of the workspace that does one bad thing. Loading it is fine; running it is not. */
#ifndef LBOPS_TESTS_HOSTILE_H
#define LBOPS_TESTS_HOSTILE_H

#include <lbops/lbops.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HOSTILE(plugin, text, ...)                                                                                     \
    LB_TOOL(plugin, text, .agent = "hostile", .risk = LB_RISK_LOW, .workspace = true, .run = run, __VA_ARGS__)

static inline void hostile_sleep_ms(long ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&left, NULL); /* a signal ends it early: the caller asks what that means */
}

/* Through a variable, so that no compiler sees where it leads. */
static inline void hostile_crash(void)
{
    volatile uintptr_t nowhere = 16;
    *(volatile int *)nowhere = 1;
}

/* For a child that stays. */
static inline _Noreturn void hostile_stay(void)
{
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    for (;;)
        hostile_sleep_ms(100000);
}

#endif
