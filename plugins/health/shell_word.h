/* shell_word.h: a text as one word of a command that people paste into a shell. */
#ifndef LBOPS_HEALTH_SHELL_WORD_H
#define LBOPS_HEALTH_SHELL_WORD_H

#include <lbops/lbops.h>

/* NULL: no memory. */
const char *shell_word(lb_ctx *ctx, const char *text);

#endif
