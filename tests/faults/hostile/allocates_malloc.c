/* Takes memory from the process and uses it, until there is none. */
#include "hostile.h"

static int run(lb_ctx *ctx, lb_error *err)
{
    const size_t bytes = (size_t)16 * 1024 * 1024;
    for (size_t i = 0; i < 4096; i++) {
        char *memory = malloc(bytes);
        if (!memory)
            return lb_out_of_memory(err);
        memset(memory, 'x', bytes);
        lb_progress(ctx, (int64_t)i, 0, memory + bytes - 1 < memory ? "wrapped" : "blocks");
    }
    return 0;
}

HOSTILE(allocates_malloc, "takes all of the process's memory and gives none back", .timeout_s = 20);
