/* serve_untold.h: what events say of alerts that no router has come to yet: neither a daemon nor a cycle nor a job has
 * been there since. Alerts are told by these only, but what is wrong is to be seen before. [supervisor] */
#ifndef LBOPS_HOST_SERVE_UNTOLD_H
#define LBOPS_HOST_SERVE_UNTOLD_H

#include "book.h"
#include "buf.h"
#include "json.h"
#include "service_state.h"

#define UNTOLD_STATUS "not_told"

typedef struct untold untold;

/* Where the router stands is asked of the state; then `ready` gets what lies behind that in the log of events, to free
 * with untold_free, or an error. */
typedef void (*untold_ready)(void *owner, void *tag, untold *news, const lb_error *error);
void untold_find(book *b, const char *state_dir, untold_ready ready, void *owner, void *tag);
untold *untold_free(untold *news);

/* The document of an alert that the state knows, as it stands with the news of it. NULL: it stays as it is. The caller
 * frees. */
char *untold_update(untold *news, const lb_state_doc *doc);

/* Those that are open and that no document was about: the items of a list, one after the other. False: no more. */
bool untold_next(untold *news, buf *ret_item);

/* How many of those begin with that, and the first of them in the last three, which live as long as the news. */
size_t untold_named(const untold *news, const char *prefix, const char **ret_key, const char **ret_project,
                    const char **ret_branch);

#endif
