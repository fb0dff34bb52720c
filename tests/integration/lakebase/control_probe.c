/* control_probe TRANSPORT STATE_DIR [NAME=VALUE...]: calls of the control plane through a transport, for tests that are
 * scripts. Reads calls, one JSON object to a line ({"method","path","query","body"}), and answers each with a line:
 * {"code","name","message","hint"}, and "reply" where there is one. */
#include "harness/transport_probe.h"

#include "rest_json.h"

extern const lb_plugin lb_plugin_v1_transport_lakebase;
extern const lb_plugin lb_plugin_v1_transport_local;

#define MOST_SECONDS 60

static const lb_param *find_param(const lb_transport *t, const char *name)
{
    for (const lb_param *p = t->params; p->name; p++)
        if (strcmp(p->name, name) == 0)
            return p;
    return NULL;
}

/* The defaults, and what the command line says. False: there is no such parameter. */
static bool set_args(const probe_args *args, char **words)
{
    for (const lb_param *p = args->transport->params; p->name; p++)
        if (p->fallback && (p->type == LB_TEXT || p->type == LB_SECRET))
            probe_set_text(args, p->name, p->fallback);
    for (; *words; words++) {
        char *value = strchr(*words, '=');
        if (value)
            *value++ = '\0';
        const lb_param *p = value ? find_param(args->transport, *words) : NULL;
        if (!p)
            return false;
        if (p->type == LB_I64)
            probe_set_i64(args, p->name, strtoll(value, NULL, 10));
        else
            probe_set_text(args, p->name, value);
    }
    return true;
}

static int keep_reply(void *arg, const char *json, lb_error *err)
{
    struct json_object **reply = arg;
    *reply = rest_json_parse(json, strlen(json), "reply", err);
    return *reply ? 0 : err->code;
}

static void answer(const lb_transport *transport, void *state, const char *line)
{
    lb_error err = {.code = 0};
    struct json_object *reply = NULL, *out = json_object_new_object();
    struct json_object *call = rest_json_parse(line, strlen(line), "call", &err);
    struct json_object *body = rest_json_at(call, "body");
    const lb_request request = {.method = rest_json_text(call, "method"),
                                .path = rest_json_text(call, "path"),
                                .query = rest_json_text(call, "query"),
                                .body = body ? json_object_to_json_string(body) : NULL};
    int r = transport->control(state, &request, probe_soon(MOST_SECONDS), keep_reply, &reply, &err);
    json_object_object_add(out, "code", json_object_new_int(r));
    json_object_object_add(out, "name", json_object_new_string(r < 0 ? error_name(r) : "ok"));
    json_object_object_add(out, "message", json_object_new_string(r < 0 ? err.message : ""));
    json_object_object_add(out, "hint", json_object_new_string(r < 0 ? err.hint : ""));
    if (reply)
        json_object_object_add(out, "reply", reply);
    printf("%s\n", json_object_to_json_string_ext(out, JSON_C_TO_STRING_PLAIN));
    fflush(stdout);
    json_object_put(out);
    json_object_put(call);
}

static bool may_wake(void)
{
    return false;
}

int main(int argc, char **argv)
{
    void *state = NULL;
    lb_error err;
    if (argc < 3)
        return 2;
    bool local = strcmp(argv[1], "transport_local") == 0;
    const lb_transport *transport = (local ? &lb_plugin_v1_transport_local : &lb_plugin_v1_transport_lakebase)->ops;
    probe_args args = probe_args_new(transport);
    lb_service_host host = probe_host;
    host.state_dir = argv[2];
    host.may_wake = may_wake;
    int r = set_args(&args, argv + 3) ? transport->open(&host, args.bytes, &state, &err)
                                      : lb_fail(&err, LB_ERR_INVALID, NULL, "no such parameter");
    free(args.bytes);
    if (r < 0) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0)
        answer(transport, state, line);
    free(line);
    transport->close(state);
    probe_reset();
    return 0;
}
