/* arena.h: memory that goes all at once. A run allocates from its arena and never frees; when the run ends, clean-ups
 * run in reverse order and the memory goes back. The limit is the run's memory budget, not the process's. */
#ifndef LBOPS_HOST_ARENA_H
#define LBOPS_HOST_ARENA_H

#include "base.h"

typedef struct arena {
    struct arena_block *blocks;
    struct arena_cleanup *cleanups;
    size_t used, limit;
    size_t fail_at, asked; /* for tests: the allocation since the last reset that fails, from 1; 0: none */
} arena;

void arena_init(arena *a, size_t limit); /* 0: no limit */
void arena_done(arena *a);               /* runs the clean-ups, frees everything; usable again after arena_init */

/* arena_done and arena_init in one, keeping one block so that a busy worker does not go to malloc for each run. */
void arena_reset(arena *a);

void *arena_alloc(arena *a, size_t bytes); /* zeroed; NULL past the limit or when malloc fails */
char *arena_strdup(arena *a, const char *text);
char *arena_strndup(arena *a, const char *text, size_t length);
LB_PRINTF(2, 3) char *arena_printf(arena *a, const char *fmt, ...);
int arena_defer(arena *a, void (*fn)(void *), void *arg); /* 0, or LB_ERR_NO_MEMORY (fn has not been called then) */

/* A deep copy of named values into the arena; NULL when it is full. */
const lb_value *arena_values(arena *a, const lb_value *values);

#endif
