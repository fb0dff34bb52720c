#include "statements_past.h"

int statements_read_past(lb_ctx *ctx, const statements_source *s, statements_past *ret_past, lb_error *err)
{
    *ret_past = (statements_past){.taken_at = LB_TIME_NONE,
                                  .ledger = statements_ledger_new(ctx, 0, LB_TIME_NONE, s->info.dealloc),
                                  .why_not = "this lbops cannot ask its history yet: no deltas"};
    return ret_past->ledger ? 0 : lb_out_of_memory(err);
}
