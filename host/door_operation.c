/* A call to the control plane that SQL stands behind: what it began is waited for, as the SQL may destroy what it was
 * to keep. */
#include "door.h"

#include "json.h"

#include <unistd.h>

#define PAUSE_FIRST (CLOCK_SECOND / 50)
#define PAUSE_MOST  (2 * CLOCK_SECOND)

/* 1: there is nothing more to wait for. */
static int judge(const change *c, const char *reply, const char **ret_name, lb_error *err)
{
    struct json_object *failure = NULL;
    JSON_AUTO *operation = json_parse(reply, strlen(reply), err);
    if (!operation)
        return err->code;
    const char *name = json_get_text(operation, "name");
    if (!name || !strstr(name, "/operations/"))
        return 1; /* the resource itself */
    if (!json_get_bool(operation, "done")) {
        *ret_name = arena_strdup(c->group->run->memory, name);
        return *ret_name ? 0 : lb_out_of_memory(err);
    }
    if (!json_object_object_get_ex(operation, "error", &failure) || !failure)
        return 1;
    const char *code = json_get_text(failure, "error_code"), *message = json_get_text(failure, "message");
    return lb_fail(err, LB_ERR_TOOL, "nothing behind it was done: look at its state, and propose it again", "%s: %s",
                   code ? code : "it failed", message ? message : "no reason given");
}

int door_wait_operation(const change *c, lb_error *err)
{
    run_state *run = c->group->run;
    const char *reply = c->group->reply, *name = NULL;
    int64_t pause_us = PAUSE_FIRST;
    if (!c->next || c->next->kind != CHANGE_SQL || !reply)
        return 0;
    for (;;) {
        int r = judge(c, reply, &name, err);
        if (r != 0)
            return r < 0 ? r : 0;
        r = run_check_stop(run, err);
        if (r < 0)
            return r;
        (void)usleep((useconds_t)pause_us); /* a signal ends it early, which is what signals are for */
        pause_us = pause_us < PAUSE_MOST ? pause_us * 3 / 2 : pause_us;
        const lb_request get = {.method = "GET", .path = name};
        r = session_control(run->worker->sessions, &get, run->deadline, run->memory, &reply, err);
        if (r < 0)
            return r;
    }
}
