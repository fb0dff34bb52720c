/* A transport that cannot execute. */
#include "transport_functions.h"

LB_TRANSPORT(missing_function, "no execute", .open = open_it, .close = close_it, .connect = connect_it,
             .disconnect = close_it, .reuse = reuse_it, .server_version = version_of_it, .control = control_it);
