#include "desk_internal.h"

#include "log.h"

static void free_call(desk_call *call)
{
    if (call->is_over)
        *call->is_over = true;
    json_put_holder(&call->request);
    free(call->choice.project);
    free(call->choice.branch);
    free(call->args);
    desk_cycle_done(call);
    free(call->via);
    free(call->name);
    free(call->reason);
    free(call);
}

static void forget_call(desk_call *call)
{
    for (desk_call **link = &call->desk->calls; *link; link = &(*link)->next)
        if (*link == call) {
            *link = call->next;
            break;
        }
    free_call(call);
}

void desk_say(desk_call *call, const char *member, const char *document)
{
    BUF_AUTO line = BUF_INIT(SIZE_MAX / 4);
    if (!call->client.say)
        return;
    buf_putc(&line, '{');
    json_member_raw(&line, member, document);
    buf_putc(&line, '}');
    call->client.say(call->client.state, buf_text(&line));
}

void desk_end(desk_call *call, int code)
{
    const desk_client client = call->client;
    char line[32];
    (void)snprintf(line, sizeof line, "{\"exit\":%d}", code);
    forget_call(call);
    if (!client.say)
        return;
    client.say(client.state, line);
    client.exit(client.state, code);
}

void desk_error(desk_call *call, const lb_error *error)
{
    BUF_AUTO text = BUF_INIT((size_t)64 * 1024);
    int code = error_exit_code(error->code);
    buf_putc(&text, '{');
    json_member_string(&text, "code", error_name(error->code));
    json_member_string(&text, "message", error->message);
    json_member_string(&text, "hint", error->hint[0] ? error->hint : NULL);
    buf_putc(&text, '}');
    desk_say(call, "error", buf_text(&text));
    desk_end(call, code);
}

desk *desk_new(supervisor *s, const manifest *m, desk_extra extra, void *state)
{
    desk *d = base_alloc(sizeof *d);
    *d = (desk){.supervisor = s, .manifest = m, .extra = extra, .state = state};
    return d;
}

desk *desk_free(desk *d)
{
    if (!d)
        return NULL;
    for (desk_call *call = d->calls, *next; call; call = next) {
        next = call->next;
        free_call(call);
    }
    free(d);
    return NULL;
}

void desk_use(desk *d, const manifest *m)
{
    d->manifest = m;
}

void desk_close(desk *d)
{
    d->is_closed = true;
}

void desk_leave(desk_call *call)
{
    call->client = (desk_client){0};
}

void desk_interrupt(desk_call *call)
{
    if (call->run_id[0])
        supervisor_cancel(call->desk->supervisor, call->run_id);
    if (call->cycle)
        desk_cycle_interrupt(call);
}

static void cancel(desk_call *call)
{
    const char *run = json_get_text(call->request, "run");
    if (run)
        supervisor_cancel(call->desk->supervisor, run);
    desk_end(call, 0);
}

/* Verbs after which something runs. */
static bool begins(const char *verb)
{
    return strcmp(verb, "run") == 0 || strcmp(verb, "approve") == 0;
}

static void dispatch(desk_call *call, const char *verb)
{
    static const struct {
        const char *verb;
        void (*serve)(desk_call *call);
    } verbs[] = {{"run", desk_run},
                 {"cancel", cancel},
                 {"runs", desk_runs},
                 {"suspended", desk_suspended},
                 {"resume", desk_resume},
                 {"suspend", desk_suspend},
                 {"approvals", desk_approvals},
                 {"alerts", desk_alerts},
                 {"cycle", desk_cycle},
                 {"ack", desk_ack}};
    lb_error error;
    if (call->desk->is_closed && begins(verb)) {
        (void)lb_fail(&error, LB_ERR_CANCELLED, "ask again when it is up again, or without it",
                      "the daemon is stopping and begins nothing new");
        desk_error(call, &error);
        return;
    }
    for (size_t i = 0; i < LB_COUNT(verbs); i++)
        if (strcmp(verb, verbs[i].verb) == 0) {
            verbs[i].serve(call);
            return;
        }
    if (strcmp(verb, "approve") == 0 || strcmp(verb, "deny") == 0) {
        desk_decide(call, *verb == 'a');
        return;
    }
    const desk *d = call->desk;
    if (d->extra && d->extra(d->state, verb, call->request, call))
        return;
    (void)lb_fail(&error, LB_ERR_INVALID, "is lbops of the same version on both sides?",
                  "nobody here knows the verb %.40s", verb);
    desk_error(call, &error);
}

desk_call *desk_serve(desk *d, const char *request, const desk_client *client)
{
    lb_error error;
    desk_call *call = base_alloc(sizeof *call);
    *call = (desk_call){.desk = d, .client = *client, .via = base_strdup(client->via), .next = d->calls};
    d->calls = call;
    call->request = json_parse(request, strlen(request), &error);
    const char *verb = json_get_text(call->request, "verb");
    if (call->request && !verb)
        (void)lb_fail(&error, LB_ERR_INVALID, NULL, "a request needs a verb");
    if (!verb) {
        desk_error(call, &error);
        return NULL;
    }
    call->name = base_strdup(json_get_text(call->request, "name"));
    call->reason = base_strdup(json_get_text(call->request, "reason"));
    bool is_over = false;
    call->is_over = &is_over;
    dispatch(call, verb);
    if (is_over)
        return NULL; /* it was answered at once */
    call->is_over = NULL;
    return call;
}
