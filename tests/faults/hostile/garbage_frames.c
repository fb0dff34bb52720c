/* Writes to the channel between worker and host itself. */
#include "hostile.h"

#include <sys/socket.h>

struct args {
    const char *kind;
};

static const lb_param params[] = {
    LB_PARAM(struct args, kind, LB_TEXT, "noise", "what it writes", .choices = "noise|huge|zero|unknown|half|type"),
    LB_PARAMS_END,
};

static void put(const void *bytes, size_t length)
{
    if (send(3, bytes, length, MSG_NOSIGNAL) < 0)
        _exit(8);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    static const char noise[] = "HTTP/1.1 200 OK\r\n\r\nthis is not what you think it is at all";
    static const unsigned char huge[] = {0xff, 0xff, 0xff, 0xff, 1, 0}, zero[] = {0, 0, 0, 0, 70, 0},
                               unknown[] = {2, 0, 0, 0, 0xee, 0xee}, half[] = {6, 0, 0, 0, 67, 0, 9, 9, 9, 9},
                               type[] = {2, 0, 0, 0, 64, 0}; /* "ready", from one that is busy */
    if (strcmp(args->kind, "noise") == 0)
        put(noise, sizeof noise);
    if (strcmp(args->kind, "huge") == 0)
        put(huge, sizeof huge);
    if (strcmp(args->kind, "zero") == 0)
        put(zero, sizeof zero);
    if (strcmp(args->kind, "unknown") == 0)
        put(unknown, sizeof unknown);
    if (strcmp(args->kind, "half") == 0)
        put(half, sizeof half);
    if (strcmp(args->kind, "type") == 0)
        put(type, sizeof type);
    return lb_result(ctx, LB_ARGS(lb_text("state", "fine")), err);
}

HOSTILE(garbage_frames, "speaks for the host", .timeout_s = 3, LB_TOOL_ARGS(struct args, params));
