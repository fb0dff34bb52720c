/* scratch.h: a directory of its own for a test, removed when the test ends. SCRATCH dir = scratch_new(); */
#ifndef LBOPS_TESTS_SCRATCH_H
#define LBOPS_TESTS_SCRATCH_H

#include "suite.h"

#include "base.h"

#include <ftw.h>
#include <sys/stat.h>

static inline int scratch_remove(const char *path, const struct stat *st, int type, struct FTW *position)
{
    (void)st, (void)type, (void)position; /* nftw's signature */
    return remove(path);
}

static inline void scratch_free(char **path)
{
    (void)nftw(*path, scratch_remove, 16, FTW_DEPTH | FTW_PHYS); /* a leftover is no failure of what is tested */
    free(*path);
}

#define SCRATCH LB_CLEANUP(scratch_free) char *

static inline char *scratch_new(void)
{
    const char *parent = getenv("TMPDIR");
    char *path = base_printf("%s/lbops-test-XXXXXX", parent && *parent ? parent : P_tmpdir);
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(path));
    return path;
}

#endif
