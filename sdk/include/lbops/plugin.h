/* lbops/plugin.h: what a plugin says about itself.
 *
 * A plugin is a shared object with one exported symbol, the const descriptor `lb_plugin_v1`. Describing is data: the
 * host reads name, risk, schedule and parameters without calling any code of the plugin. Structs only grow at their
 * end; `size` says how far the plugin's idea of a struct goes, and LB_HAS guards each later field. */
#ifndef LBOPS_PLUGIN_H
#define LBOPS_PLUGIN_H

#include "error.h"
#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LB_ABI_MAGIC UINT32_C(0x4c424f50) /* "LBOP" */
#define LB_ABI_MAJOR 1
#define LB_ABI_MINOR 4

#define LB_HAS(p, type, field) ((p)->size >= offsetof(type, field) + sizeof((p)->field))

typedef enum lb_kind {
    LB_KIND_TOOL = 1,
    LB_KIND_TRANSPORT = 2,
    LB_KIND_DELTA = 3,
    LB_KIND_ALERT = 4,
    LB_KIND_APPROVAL = 5,
    LB_KIND_STATE = 6,
    LB_KIND_MODEL = 7,
    LB_KIND_HTTP = 8 /* since 1.2 */
} lb_kind;

typedef enum lb_risk { LB_RISK_LOW = 1, LB_RISK_MEDIUM = 2, LB_RISK_HIGH = 3 } lb_risk;

/* One typed parameter. The host parses, checks, defaults and stores it; the plugin finds it in its own struct.
 * Types: LB_TEXT LB_IDENT LB_I64 LB_F64 LB_BOOL LB_TIME LB_JSON, lists of them, and LB_SECRET for services.
 * In the struct: const char * (texts, identifiers, JSON, secrets), int64_t (integers, timestamps), double, bool, or the
 * lb_texts, lb_i64s, lb_f64s, lb_bools of value.h. An optional text that was not given is NULL, a list is empty. */
typedef struct lb_param {
    const char *name;
    lb_type type;
    const char *fallback; /* default, in text form ("10", "true", "[\"a\"]"); NULL: none */
    const char *doc;      /* one line, lower case */
    size_t offset;        /* into the plugin's struct */
    size_t width;         /* of that member; the probe compares it with the type */
    bool required;
    const char *choices;   /* "fast|safe": the allowed texts, or NULL */
    const char *min, *max; /* inclusive bounds for numbers, or NULL */
    const char *env; /* services: the variable of lbops' environment that is taken where the manifest says nothing */
} lb_param;

/* LB_PARAM(struct args, min_bytes, LB_I64, "10485760", "ignore tables smaller than this", .min = "0") */
#define LB_PARAM(args, field, kind, dflt, text, ...)                                                                   \
    {                                                                                                                  \
        .name = #field, .type = (kind), .fallback = (dflt), .doc = (text), .offset = offsetof(args, field),            \
        .width = sizeof(((args *)0)->field), __VA_ARGS__                                                               \
    }
#define LB_PARAMS_END                                                                                                  \
    {                                                                                                                  \
        .name = NULL                                                                                                   \
    }

typedef struct lb_ctx lb_ctx; /* one run; see tool.h */

/* The ops of LB_KIND_TOOL. */
typedef struct lb_tool {
    uint32_t size;
    uint32_t timeout_s; /* 0: the host's default */
    lb_risk risk;
    bool needs_approval;       /* asks for every disruptive or destructive change outside throwaway branches */
    bool detector;             /* answers with findings; must say what it examined or skipped */
    bool workspace;            /* works on the workspace, not on one branch */
    const char *agent;         /* hint: the agent that the tool belongs to */
    const char *schedule;      /* five-field cron, or NULL; the manifest may override it */
    const lb_param *params;    /* ends with LB_PARAMS_END; NULL: none */
    uint32_t param_size;       /* sizeof(lb_param) as the plugin knows it */
    uint32_t args_size;        /* sizeof the struct that the params point into */
    const char *const *writes; /* history tables; NULL-terminated, or NULL */
    const char *const *emits;  /* events */
    const char *const *calls;  /* other tools */

    /* Does the work. Returns 0, or a negative code after filling err. May block. [worker] */
    int (*run)(lb_ctx *ctx, lb_error *err);

    /* What its servers must have: "extension pg_stat_statements", "role pg_monitor", "version 16" (or later); for
     * `lbops check --online`. NULL-terminated, or NULL. */
    const char *const *needs;

    bool remembers; /* the host keeps a document for it between the runs on one target: lb_recall, lb_remember */
} lb_tool;

typedef struct lb_plugin {
    uint32_t magic;
    uint16_t abi_major, abi_minor;
    uint32_t size, kind;
    const char *name;    /* equals the file's name without .so */
    const char *version; /* the plugin's own */
    const char *summary; /* one line, lower case */
    const void *ops;     /* lb_tool, lb_transport, ...: a struct that begins with its size */
} lb_plugin;

#if defined(__GNUC__)
#define LB_EXPORT __attribute__((visibility("default")))
#else
#define LB_EXPORT
#endif

/* With LB_PLUGIN_STATIC the symbol carries the plugin's name, so that a test program can link several of them. */
#ifdef LB_PLUGIN_STATIC
#define LB_PLUGIN_SYMBOL(plugin) lb_plugin_v1_##plugin
#else
#define LB_PLUGIN_SYMBOL(plugin) lb_plugin_v1
#endif

#ifndef LB_PLUGIN_VERSION
#define LB_PLUGIN_VERSION "0"
#endif

/* LB_PLUGIN(bloat_report, LB_KIND_TOOL, "tables that waste space", &tool) */
#define LB_PLUGIN(plugin, plugin_kind, text, table)                                                                    \
    LB_EXPORT extern const lb_plugin LB_PLUGIN_SYMBOL(plugin);                                                         \
    LB_EXPORT const lb_plugin LB_PLUGIN_SYMBOL(plugin) = {                                                             \
        .magic = LB_ABI_MAGIC,                                                                                         \
        .abi_major = LB_ABI_MAJOR,                                                                                     \
        .abi_minor = LB_ABI_MINOR,                                                                                     \
        .size = sizeof(lb_plugin),                                                                                     \
        .kind = (plugin_kind),                                                                                         \
        .name = #plugin,                                                                                               \
        .version = LB_PLUGIN_VERSION,                                                                                  \
        .summary = (text),                                                                                             \
        .ops = (table),                                                                                                \
    }

/* LB_TOOL(bloat_report, "tables that waste space", .agent = "health", .risk = LB_RISK_LOW, .run = run, ...)
 * The usual form: LB_TOOL_ARGS(struct args, params) among the fields binds the parameters. */
#define LB_TOOL(plugin, text, ...)                                                                                     \
    static const lb_tool plugin##_tool = {.size = sizeof(lb_tool), __VA_ARGS__};                                       \
    LB_PLUGIN(plugin, LB_KIND_TOOL, text, &plugin##_tool)

#define LB_TOOL_ARGS(args, rows) .params = (rows), .param_size = sizeof(lb_param), .args_size = sizeof(args)

/* LB_NAMES("vacuum_history", "lakebase_metrics") for .writes, .emits, .calls and .needs */
#define LB_NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

#ifdef __cplusplus
}
#endif
#endif
