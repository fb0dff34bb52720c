/* One of a chain, built several times: DEEP_SELF calls DEEP_NEXT. */
#include "hostile.h"

#define TEXT_OF(name) #name
#define TEXT(name)    TEXT_OF(name)

static int run(lb_ctx *ctx, lb_error *err)
{
    const char *document = NULL;
    return lb_call(ctx, TEXT(DEEP_NEXT), NULL, LB_NO_ARGS, &document, err);
}

#define DEEP(name) HOSTILE(name, "calls one further down", .calls = LB_NAMES(TEXT(DEEP_NEXT)))
DEEP(DEEP_SELF);
