/* A call to the control plane with something behind it that rests on what it began: SQL, which may destroy what the
 * call was to keep, or a change of what the call makes. That is waited for. */
#include "door.h"

#include "json.h"

#include <unistd.h>

#define PAUSE_FIRST (CLOCK_SECOND / 50)
#define PAUSE_MOST  (2 * CLOCK_SECOND)
#define REST_LOOKS  60

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

static int pause_a_while(const run_state *run, int64_t *pause_us, lb_error *err)
{
    int r = run_check_stop(run, err);
    if (r < 0)
        return r;
    (void)usleep((useconds_t)*pause_us); /* a signal ends it early, which is what signals are for */
    *pause_us = *pause_us < PAUSE_MOST ? *pause_us * 3 / 2 : *pause_us;
    return 0;
}

static bool is_at_rest(const char *reply)
{
    lb_error ignored;
    struct json_object *status = NULL;
    JSON_AUTO *document = json_parse(reply, strlen(reply), &ignored);
    if (!document || !json_object_object_get_ex(document, "status", &status))
        return true; /* it says nothing of a state */
    const char *state = json_get_text(status, "current_state"), *pending = json_get_text(status, "pending_state");
    return !(pending && *pending) && !(state && strcmp(state, "INIT") == 0);
}

/* An operation that is done does not mean that all of it has come to rest. What does not, or cannot be looked at, the
 * change itself says. */
static int wait_at_rest(run_state *run, const char *path, lb_error *err)
{
    int64_t pause_us = PAUSE_FIRST;
    const lb_request get = {.method = "GET", .path = path};
    for (int i = 0; i < REST_LOOKS; i++) {
        lb_error ignored;
        const char *reply = NULL;
        int r = session_control(run->worker->sessions, &get, run->deadline, run->memory, &reply, &ignored);
        if (r < 0 ? r != LB_ERR_NOT_FOUND : is_at_rest(reply))
            return 0;
        r = pause_a_while(run, &pause_us, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static bool is_patch(const change *c)
{
    return c->kind == CHANGE_API && !c->service && strcmp(c->request->method, "PATCH") == 0;
}

int door_wait_operation(const change *c, lb_error *err)
{
    run_state *run = c->group->run;
    const change *next = c->next;
    const char *reply = c->group->reply, *name = NULL;
    int64_t pause_us = PAUSE_FIRST;
    if (!next || !reply || (next->kind != CHANGE_SQL && !is_patch(next)))
        return 0;
    for (;;) {
        int r = judge(c, reply, &name, err);
        if (r < 0)
            return r;
        if (r > 0)
            return is_patch(next) ? wait_at_rest(run, next->request->path, err) : 0;
        r = pause_a_while(run, &pause_us, err);
        if (r < 0)
            return r;
        const lb_request get = {.method = "GET", .path = name};
        r = session_control(run->worker->sessions, &get, run->deadline, run->memory, &reply, err);
        if (r < 0)
            return r;
    }
}
