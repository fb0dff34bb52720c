/* model_check.h: may a sentence that a model has written be shown?
 *
 * It may when it cites exhibits that are there; each figure in it stands in one of those; each word is of plain English
 * (host/model_words.txt) or stands there too; and no part of it is a statement that a server would take. What a model
 * was talked into by a text that it read is none of this. Pure logic. */
#ifndef LBOPS_HOST_MODEL_CHECK_H
#define LBOPS_HOST_MODEL_CHECK_H

#include "arena.h"

#define MODEL_SENTENCE_MOST 600 /* bytes */
#define MODEL_CITES_MOST    16

/* An exhibit as the model was told it. */
typedef struct model_exhibit {
    const char *id;
    const char *says; /* or NULL */
    const char *json; /* all of it */
} model_exhibit;

typedef struct model_evidence {
    const model_exhibit *items;
    size_t count;
} model_evidence;

/* cites: ids, ends with NULL. NULL: it stands, and ret_checked says whether it is what one of them says. Otherwise why
 * it does not, for people; the sentence's own words are not in it. */
const char *model_refuse(const model_evidence *evidence, const char *text, const char *const *cites, bool *ret_checked);

#endif
