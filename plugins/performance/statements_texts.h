/* statements_texts.h: each statement's text, once. */
#ifndef LBOPS_STATEMENTS_TEXTS_H
#define LBOPS_STATEMENTS_TEXTS_H

#include "statements_past.h"

typedef struct statements_texts {
    statements_key *wanted; /* of the statements that are stored, and that nobody knows of whether history has them */
    size_t count, stored;
} statements_texts;

LB_MUST_CHECK int statements_texts_begin(lb_ctx *ctx, statements_texts *texts, size_t most, lb_error *err);
void statements_want_text(statements_texts *texts, const statements_key *key);

/* Fetches and stores the wanted ones that history does not have. */
LB_MUST_CHECK int statements_store_texts(lb_ctx *ctx, const statements_source *s, const statements_past *past,
                                         statements_texts *texts, int server_version, int64_t most_chars,
                                         lb_error *err);

#endif
