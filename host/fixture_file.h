/* fixture_file.h: a file of fixtures as a recording keeps it: a list of cases, where equal questions with different
 * answers become a sequence. */
#ifndef LBOPS_HOST_FIXTURE_FILE_H
#define LBOPS_HOST_FIXTURE_FILE_H

#include "json.h"

/* How often the last answer of a question was seen in a row, so that a sequence can be told. */
typedef struct fixture_seen {
    struct fixture_seen *next;
    char *question; /* file and key members */
    int64_t times;
} fixture_seen;

/* Adds a case (a JSON object, as text) to DIR/NAME, unless the last case with the same question answers the same.
 * `keys` are the members that make the question, ending with NULL. The file is replaced whole, under a lock on the
 * directory. */
LB_MUST_CHECK int fixture_file_add(const char *dir, const char *name, const char *const *keys, const char *text,
                                   size_t length, fixture_seen **seen, lb_error *err);
fixture_seen *fixture_seen_free(fixture_seen *seen);

#endif
