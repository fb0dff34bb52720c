/* redact.h: what is private in a text goes before the text leaves for a model.
 *
 * Of SQL, each literal becomes $n or ?, comments go, and names that are more than letters, digits and _ become labels
 * ("quoted_1"), so that nobody's sentence travels as a name. Of other text, e-mail addresses, tokens, network addresses
 * and long runs of digits are replaced by what they were, and what errors of the server repeat of rows by ?. Pure
 * logic. */
#ifndef LBOPS_HOST_REDACT_H
#define LBOPS_HOST_REDACT_H

#include "arena.h"
#include "buf.h"

#define REDACT_NAMES 200 /* that get labels; what is beyond is "a_name" and stays so */

/* What the labels stand for, so that an answer can be read by people. A zeroed one is empty. */
typedef struct redact_names {
    const char *items[REDACT_NAMES];
    size_t count;
} redact_names;

/* All give NULL when memory is out. What is longer than `most` bytes is cut, with "..." at its end. */
const char *redact_sql(const char *sql, size_t most, redact_names *names, arena *memory);
const char *redact_text(const char *text, size_t most, redact_names *names, arena *memory);
const char *redact_name(const char *name, redact_names *names, arena *memory);

/* The length of a value that an error of the server repeats at `at`, with its quotes or brackets; 0: it is none
 * (redact_error.c). */
size_t redact_error_value(const char *text, const char *at);

/* Values as they may leave: numbers as they are, texts, names and SQL by the above. LB_ERR_INVALID: a kind that cannot
 * be looked through (documents, secrets). */
LB_MUST_CHECK int redact_values(const lb_value *values, size_t most, redact_names *names, arena *memory,
                                const lb_value **ret_values, lb_error *err);

/* The text with its labels read back as names. */
const char *redact_restore(const char *text, const redact_names *names, arena *memory);

#endif
