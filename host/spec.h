/* spec.h: what the supervisor knows about a plugin: its description, copied out of the probe's answer. The supervisor
 * never maps the plugin itself, so every pointer here is its own. */
#ifndef LBOPS_HOST_SPEC_H
#define LBOPS_HOST_SPEC_H

#include "params.h"

typedef struct plugin_spec {
    char *path; /* the file, absolute */
    lb_kind kind;
    char *name, *version, *summary;
    uint16_t abi_major, abi_minor;
    lb_param *params; /* our layout, ends with a row without a name; offsets and widths as the plugin has them */
    uint32_t args_size;

    /* tools only */
    lb_risk risk;
    bool needs_approval, detector, workspace, remembers;
    uint32_t timeout_s;
    char *agent, *schedule;                   /* or NULL */
    char **writes, **emits, **calls, **needs; /* NULL-terminated, never NULL */
} plugin_spec;

static inline param_rows spec_params(const plugin_spec *spec)
{
    return (param_rows){.rows = spec->params, .stride = sizeof(lb_param)};
}

const char *spec_kind_name(lb_kind kind); /* "tool", "transport", ... */
const char *spec_risk_name(lb_risk risk);

#define SPEC_NAMES_MAX 256 /* of .writes, .emits, .calls, .needs each */
#define SPEC_LINE_MAX  300 /* bytes of a summary or a version */
#define SPEC_JSON_MAX  ((size_t)1024 * 1024)
bool spec_is_need(const char *text);  /* "extension NAME", "role NAME", "version NUMBER" */
bool spec_is_event(const char *name); /* "branch.created": words of [a-z0-9_] with dots between them */

plugin_spec *spec_free(plugin_spec *spec); /* NULL is fine; returns NULL */

/* The description of a loaded plugin as one JSON object, and back. What the probe prints and the cache keeps. The
 * reader trusts nothing: a description comes from a process that ran foreign code. */
void spec_write(buf *b, const lb_plugin *plugin, const char *path);
plugin_spec *spec_read(const char *json, size_t length, lb_error *err); /* NULL: err */

/* The same from a document that is parsed already. */
struct json_object;
plugin_spec *spec_from_json(struct json_object *object, lb_error *err);

/* A description written again, as spec_write would; for the cache. */
void spec_write_again(buf *b, const plugin_spec *spec);

#endif
