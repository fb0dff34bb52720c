/* Writes into every channel that it can find. */
#include <lbops/lbops.h>

#include <sys/socket.h>
__attribute__((constructor)) static void at_load(void)
{
    static const char lie[] = "ok\t{}\n";
    for (int fd = 3; fd < 64; fd++)
        (void)send(fd, lie, sizeof lie - 1, MSG_NOSIGNAL); /* most are no sockets */
}

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

LB_TOOL(garbage_in_constructor, "one of the bad ones", .risk = LB_RISK_LOW, .run = run);
