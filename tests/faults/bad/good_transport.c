/* A service with parameters, a secret and a reserved-looking name among them. */
#include "transport_functions.h"

struct args {
    const char *dsn;
    int64_t timeout_ms;
};

static const lb_param params[] = {
    LB_PARAM(struct args, dsn, LB_SECRET, NULL, "where to connect", .required = true),
    LB_PARAM(struct args, timeout_ms, LB_I64, "5000", "how long to wait", .min = "1"),
    LB_PARAMS_END,
};

LB_TRANSPORT(good_transport, "a transport that is as it should be", LB_TOOL_ARGS(struct args, params), .open = open_it,
             .close = close_it, .connect = connect_it, .disconnect = close_it, .reuse = reuse_it,
             .server_version = version_of_it, .execute = execute_it, .control = control_it);
