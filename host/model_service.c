#include "model_service.h"

#include "load.h"
#include "log.h"
#include "run.h"

struct model_service {
    const char *plugin;
    const lb_model *ops;
    void *state;
    arena memory; /* its arguments */
};

LB_PRINTF(2, 0) static void log_of_model(lb_level level, const char *fmt, va_list args)
{
    char text[1024];
    (void)vsnprintf(text, sizeof text, fmt, args); /* a long line is cut */
    log_line(level, "model", "%s", text);
}

static const lb_service_host service_host = {.size = sizeof service_host,
                                             .vlog = log_of_model,
                                             .cancelled = run_is_cancelled,
                                             .now = clock_monotonic,
                                             .may_wake = run_may_wake};

model_service *model_service_free(model_service *service)
{
    if (!service)
        return NULL;
    if (service->state)
        service->ops->close(service->state);
    arena_done(&service->memory);
    free(service);
    return NULL;
}

static int open_it(model_service *s, const worker_setup *setup, lb_error *err)
{
    const lb_plugin *plugin = NULL;
    int r = load_plugin(setup->model.path, &plugin, err);
    if (r < 0)
        return r;
    if (plugin->kind != LB_KIND_MODEL)
        return lb_fail(err, LB_ERR_INVALID, NULL, "%s is not a model", setup->model.path);
    s->plugin = plugin->name;
    s->ops = plugin->ops;
    if (!LB_HAS(s->ops, lb_model, stays_here) || !s->ops->open || !s->ops->close || !s->ops->ask || !s->ops->name)
        return lb_fail(err, LB_ERR_INVALID, "build it against this lbops", "%s lacks a function of a model", s->plugin);
    if (setup->forbids_models && !s->ops->stays_here)
        return lb_fail(err, LB_ERR_DENIED, "take [model] forbid out, or ask model_rules",
                       "the manifest forbids that anything leaves for %s", s->plugin);
    void *args = arena_alloc(&s->memory, s->ops->args_size ? s->ops->args_size : 1);
    if (!args)
        return lb_out_of_memory(err);
    param_rows rows = {.rows = s->ops->params, .stride = s->ops->param_size};
    r = params_bind(s->plugin, rows, setup->model.args, setup->model.arg_count, args, s->ops->args_size, &s->memory,
                    err);
    if (r >= 0 && s->ops->open(&service_host, args, &s->state, err) < 0)
        r = lb_wrap(err, s->plugin);
    return r;
}

int model_service_open(const worker_setup *setup, model_service **ret_service, lb_error *err)
{
    if (!setup->model.path)
        return lb_fail(err, LB_ERR_UNSUPPORTED, "install model_rules, or add [services.model] to the manifest",
                       "there is no model to ask");
    model_service *s = base_alloc(sizeof *s);
    arena_init(&s->memory, 0);
    int r = open_it(s, setup, err);
    if (r < 0)
        (void)model_service_free(s); /* gives NULL */
    else
        *ret_service = s;
    return r;
}

bool model_service_stays_here(const model_service *service)
{
    return service->ops->stays_here;
}

const char *model_service_source(const model_service *service, arena *memory)
{
    const char *name = service->ops->name(service->state);
    return name ? arena_printf(memory, "%s (%.80s)", service->plugin, name) : service->plugin;
}

typedef struct reply {
    arena *memory;
    const char *json;
} reply;

static int take_reply(void *arg, const char *json, lb_error *err)
{
    reply *r = arg;
    r->json = arena_strdup(r->memory, json);
    return r->json ? 0 : lb_out_of_memory(err);
}

int model_service_ask(model_service *service, const lb_model_ask *ask, int64_t deadline, arena *memory,
                      const char **ret_json, lb_error *err)
{
    reply answer = {.memory = memory};
    int r = service->ops->ask(service->state, ask, deadline, take_reply, &answer, err);
    if (r < 0)
        return lb_wrap(err, service->plugin);
    if (!answer.json)
        return lb_fail(err, LB_ERR_INTERNAL, "the service has to hand its answer over", "%s said nothing",
                       service->plugin);
    *ret_json = answer.json;
    return 0;
}
