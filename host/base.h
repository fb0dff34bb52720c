/* base.h: what every file of the host may use: clean-up of locals, lengths of arrays, checked printing. */
#ifndef LBOPS_HOST_BASE_H
#define LBOPS_HOST_BASE_H

#include <lbops/lbops.h>

#include <stdlib.h>
#include <unistd.h>

#define LB_COUNT(array)  (sizeof(array) / sizeof((array)[0]))
#define LB_CLEANUP(fn)   __attribute__((cleanup(fn)))
#define LB_UNUSED        __attribute__((unused))
#define LB_STRINGIFY_(x) #x
#define LB_STRINGIFY(x)  LB_STRINGIFY_(x)

/* LB_AUTO_FREE char *text = NULL; frees what the local holds when it goes out of scope. */
#define LB_AUTO_FREE LB_CLEANUP(base_free)
#define LB_AUTO_FD   LB_CLEANUP(base_close)

static inline void base_free(void *holder)
{
    void *p;
    memcpy(&p, holder, sizeof p);
    free(p);
}

static inline void base_close(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); /* nobody could act on it here; writers check their own close */
}

/* Memory for the supervisor's own small needs. It ends the process when there is none: a supervisor that cannot get a
 * hundred bytes cannot decide anything safely, and what was promised is already on disk. */
void *base_alloc(size_t bytes); /* zeroed */
void *base_grow(void *memory, size_t bytes);
char *base_strdup(const char *text); /* NULL stays NULL */
LB_PRINTF(1, 2) char *base_printf(const char *fmt, ...);

/* Makes room for one more element of an array that grows by doubling. */
#define BASE_PUSH(items, count, capacity)                                                                              \
    ((count) < (capacity)                                                                                              \
         ? (void)0                                                                                                     \
         : (void)((items) = base_grow((items), ((capacity) = (capacity) ? (capacity)*2 : 8) * sizeof *(items))))

/* "not_found" for LB_ERR_NOT_FOUND: what people and JSON see. */
const char *error_name(int code);

/* The process exit code that stands for an error: 1 failed, 2 usage, 3 approval, 4 unreachable, 5 internal. */
int error_exit_code(int code);

#endif
