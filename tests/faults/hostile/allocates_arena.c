/* Takes memory from the run until there is none. */
#include "hostile.h"

static int run(lb_ctx *ctx, lb_error *err)
{
    for (;;) {
        char *memory = lb_alloc(ctx, 100000);
        if (!memory)
            return lb_out_of_memory(err);
        memset(memory, 'x', 100000);
    }
}

HOSTILE(allocates_arena, "takes all of the run's memory", .timeout_s = 20);
