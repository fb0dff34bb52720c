/* index_readers.h: the computes of the branch that only read. */
#ifndef INDEX_READERS_H
#define INDEX_READERS_H

#include "index_work.h"

/* Who there is, by the control plane's list of endpoints (or NULL) and the server's own of standbys. */
LB_MUST_CHECK int index_list_readers(lb_ctx *ctx, index_window *window, const char *endpoints_json, lb_error *err);

/* Adds what each has scanned. From then on the window is that in which all computes that were read have counted. */
LB_MUST_CHECK int index_read_readers(lb_ctx *ctx, index_set *set, lb_error *err);

/* Their names, for a finding's evidence; NULL without memory. */
const lb_value *index_readers_text(lb_ctx *ctx, const index_window *window, bool were_read);

/* Says of each that could not be read why, and how many were. */
LB_MUST_CHECK int index_tell_readers(lb_ctx *ctx, const index_window *window, lb_error *err);

#endif
