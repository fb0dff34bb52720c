#include "service_start.h"

#include "environment.h"
#include "fs.h"

/* One of several has a place of its own: they may be of the same plugin. NULL: no memory. */
static const char *place_of(const service_wish *w, const manifest_service *named, arena *memory)
{
    if (w->state_dir)
        return w->state_dir;
    if (!named || !named->name || strcmp(named->name, MANIFEST_ALERT) == 0)
        return w->manifest->state_dir;
    return arena_printf(memory, "%s/alerts/%s", w->manifest->state_dir, named->name);
}

static int start_plugin(const service_wish *w, const plugin_spec *spec, const manifest_service *named, arena *memory,
                        service **ret_service, lb_error *err)
{
    const manifest *m = w->manifest;
    size_t count = 0;
    const param_arg *args = named ? manifest_args(m, &named->params, memory, &count, err) : NULL;
    if (named && !args)
        return err->code;
    if (args && !(args = environment_args(memory, spec_params(spec), args, &count)))
        return lb_out_of_memory(err);
    const char *state_dir = place_of(w, named, memory);
    if (!state_dir)
        return lb_out_of_memory(err);
    if (state_dir != m->state_dir && fs_make_dirs(state_dir, err) < 0)
        return err->code;
    const param_arg settings[] = {
        {"outbox_dir", arena_printf(memory, "%s/outbox", m->state_dir)},
        {"outbox_mb", arena_printf(memory, "%d", m->limits.outbox_mb)},
        {"passive", w->passive ? "1" : "0"},
    };
    const service_options options = {
        .loop = w->loop,
        .program = w->program,
        .kind = w->kind,
        .plugin = spec->name,
        .path = spec->path,
        .args = args,
        .arg_count = count,
        .state_dir = state_dir,
        .work_dir = m->directory,
        .settings = settings,
        .setting_count = w->kind == LB_KIND_DELTA || w->kind == LB_KIND_ALERT ? LB_COUNT(settings) : 0,
        .log_level = w->log_level,
        .hooks = w->hooks,
    };
    return service_new(&options, ret_service, err);
}

int service_start_named(const service_wish *wish, service **ret_service, lb_error *err)
{
    const manifest_service *named = wish->named ? wish->named : manifest_find_service(wish->manifest, wish->kind);
    const char *name = named ? named->plugin : wish->fallback;
    const plugin_spec *spec = name ? registry_find(wish->registry, wish->kind, name) : NULL;
    arena memory;
    if (!spec)
        return 0; /* check says so where the manifest names one */
    arena_init(&memory, 0);
    int r = start_plugin(wish, spec, named, &memory, ret_service, err);
    arena_done(&memory);
    return r;
}
