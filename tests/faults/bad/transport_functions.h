/* Functions that fill a transport's table; none of them is ever called, and not every file uses each. */
#ifndef LBOPS_TESTS_TRANSPORT_FUNCTIONS_H
#define LBOPS_TESTS_TRANSPORT_FUNCTIONS_H

#include <lbops/transport.h>

#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-function"

static int refuse(lb_error *err)
{
    return lb_fail(err, LB_ERR_UNSUPPORTED, NULL, "this transport only describes itself");
}

static int open_it(const lb_service_host *host, const void *args, void **ret_state, lb_error *err)
{
    return refuse(err);
}

static void close_it(void *state)
{
}

static int connect_it(void *state, const lb_target *target, const char *application, int64_t deadline,
                      void **ret_session, lb_error *err)
{
    return refuse(err);
}

static int reuse_it(void *session, const char *application, int64_t deadline, lb_error *err)
{
    return refuse(err);
}

static int version_of_it(void *session, int *ret_major, lb_error *err)
{
    return refuse(err);
}

static int execute_it(void *session, const lb_command *command, const lb_sink *sink, int64_t *ret_affected,
                      lb_error *err)
{
    return refuse(err);
}

static int control_it(void *state, const lb_request *request, int64_t deadline,
                      int (*reply)(void *arg, const char *json, lb_error *err), void *arg, lb_error *err)
{
    return refuse(err);
}

#endif
