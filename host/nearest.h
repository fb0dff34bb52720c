/* nearest.h: "did you mean": the name closest to a mistyped one, or NULL when none is close. */
#ifndef LBOPS_HOST_NEAREST_H
#define LBOPS_HOST_NEAREST_H

#include "base.h"

/* names: count pointers, NULLs are passed over. */
const char *nearest_name(const char *word, const char *const *names, size_t count);

#endif
