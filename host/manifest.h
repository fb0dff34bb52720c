/* manifest.h: the TOML manifest as data: what one workspace wires together. Reading it touches no plugin, so it is
 * quick and safe; manifest_check then holds it against the registry. Both collect every problem, each with file, line,
 * column and a hint, before they fail. */
#ifndef LBOPS_HOST_MANIFEST_H
#define LBOPS_HOST_MANIFEST_H

#include "cron.h"
#include "registry.h"

typedef struct manifest_place {
    const char *file; /* the manifest's own string; in a problem, the problem's own */
    int line, column; /* from 1; 0: the whole file */
} manifest_place;

typedef struct manifest_problem {
    manifest_place place;
    lb_error error;
    bool warning; /* worth saying, refuses nothing */
} manifest_problem;

typedef struct manifest_problems {
    manifest_problem *items;
    size_t count, capacity;
} manifest_problems;

/* Kept in the order of the text. Past MANIFEST_MOST_PROBLEMS one more says so and the rest is dropped. */
#define MANIFEST_MOST_PROBLEMS 1000
void manifest_problems_done(manifest_problems *problems);
bool manifest_has_errors(const manifest_problems *problems);
LB_PRINTF(6, 7)
void manifest_problem_add(manifest_problems *problems, manifest_place place, bool warning, int code, const char *hint,
                          const char *fmt, ...);

/* "dev.toml:3:7: error: message (hint)" and a line feed. */
void manifest_problem_text(const manifest_problem *problem, buf *b);

/* A parameter given in the manifest: its text form (a TOML array becomes a JSON array's text), or a reference to a
 * secret. */
typedef struct manifest_param {
    char *name, *text;
    char *secret; /* name under [secrets]; text is NULL then */
    manifest_place place;
} manifest_param;

typedef struct manifest_params {
    manifest_param *items;
    size_t count, capacity;
} manifest_params;

typedef struct manifest_service {
    lb_kind kind;
    char *plugin;           /* "transport_mock" */
    manifest_params params; /* every other key of [services.KIND] */
    manifest_place place;
    char *name;           /* of an alert service: the NAME of [services.alert.NAME], else MANIFEST_ALERT; or NULL */
    int digest_above;     /* of an alert service: so many messages, default 20; 0: no digest */
    int digest_s;         /* in so many seconds, default 120 */
    int retry_most_s;     /* the longest pause before what was not taken is sent again, default 300 */
    bool digest_critical; /* critical ones are folded as well */
    char *second;         /* the alert service that hears of what this one could not deliver, or NULL; ... */
    int second_after_s;   /* ... for so long, default 120 */
} manifest_service;

#define MANIFEST_ALERT "alert" /* the only alert service, where it has no name of its own */

/* Which alerts go where. Those that no route takes go to the routes that say `otherwise`, or else to every service. */
typedef struct manifest_alert_route {
    char **to;              /* names of alert services, NULL-terminated */
    int severity;           /* the least: 1 info, 2 warning, 3 critical; 0: any */
    char *project, *branch; /* patterns, or NULL for all */
    char *days, *hours;     /* "mon-fri", "08:00-18:00", or NULL */
    char *timezone;         /* NULL: the workspace's */
    bool otherwise;
    manifest_place place;
} manifest_alert_route;

typedef struct manifest_target {
    char *project, *branch; /* names, or a pattern with * and ? resolved against the control plane when `pattern` */
    bool pattern;
    lb_branch_class branch_class; /* 0: by protection and TTL, as the control plane says */
    bool wake;                    /* may routine collection wake a suspended compute */
    manifest_place place;
} manifest_target;

/* A tool as an agent uses it. Strings are NULL and numbers 0 where the plugin's own description holds. */
typedef struct manifest_tool {
    char *name;
    char *schedule; /* "" switches the plugin's own schedule off */
    uint32_t timeout_s;
    int needs_approval; /* -1: as described, 0, 1 */
    bool disabled;
    bool is_helper; /* there for the agent's other tools to call: no part of a cycle by itself */
    char *window;   /* its schedule starts it only while a window of this name is open */
    int phase;      /* of the cycle, 1 to PHASE_COUNT; 0: by its name (phase.h) */
    char *aside;    /* why the agent's cycle leaves it out, or NULL */
    manifest_params params;
    manifest_place place;
} manifest_tool;

typedef struct manifest_agent {
    char *name, *mission;
    manifest_tool *tools;
    size_t tool_count;
    char **cycle; /* tool names in order, NULL-terminated; NULL: as listed */
    manifest_place place;
} manifest_agent;

/* One more schedule of a tool: with parameters of its own, for some of the targets. */
typedef struct manifest_schedule {
    char *name;             /* tells it from the tool's other schedules; NULL: its parameters do */
    char *agent, *tool;     /* agent NULL: the first that has the tool */
    char *cron, *window;    /* window NULL: at any time */
    char *project, *branch; /* patterns, or NULL for all */
    manifest_params params; /* before those of the agent's entry */
    manifest_place place;
} manifest_schedule;

/* A window opens at each time of a cron and stays open for so long. */
typedef enum manifest_window_kind { MANIFEST_ALLOW = 1, MANIFEST_PAUSE } manifest_window_kind;
typedef struct manifest_window {
    char *name; /* several rows may have one name: for several targets, or several times */
    char *opens;
    int lasts_min;
    char *timezone;         /* NULL: the workspace's */
    char *project, *branch; /* patterns, or NULL for all */
    int kind;               /* manifest_window_kind */
    manifest_place place;
} manifest_window;

/* What the branch policy declares routine: the gate does not ask for it on these branches. */
typedef enum manifest_routine_what { MANIFEST_EXPIRY = 1, MANIFEST_RESET } manifest_routine_what;
typedef struct manifest_routine {
    char *project, *branch; /* patterns; project NULL: all */
    int what;               /* manifest_routine_what */
    char *reason;
    manifest_place place;
} manifest_routine;

typedef enum manifest_second {
    MANIFEST_SECOND_NEVER = 1,
    MANIFEST_SECOND_DESTRUCTIVE,
    MANIFEST_SECOND_ALWAYS
} manifest_second;
typedef struct manifest_approvals {
    int expires_h;     /* default 72 */
    int second_person; /* manifest_second: does it take two; default never */
    char **approvers;  /* who may decide, NULL-terminated; NULL: anybody */
} manifest_approvals;

typedef enum manifest_catch_up { MANIFEST_CATCH_UP_ONCE = 1, MANIFEST_CATCH_UP_NEVER } manifest_catch_up;
typedef struct manifest_timing {
    int spread_s;      /* default 300 */
    int catch_up;      /* manifest_catch_up, default once */
    int backoff_max_s; /* default 3600 */
    int drain_s;       /* default 30 */
    int awake_min;     /* a day, of each target; default 0: no such budget */
} manifest_timing;

typedef struct manifest_events {
    int chain_limit; /* default 8 */
    int keep_days;   /* default 90 */
    int segment_mb;  /* default 16 */
} manifest_events;

typedef struct manifest_reminders {
    int remind_critical_s, remind_warning_s; /* default 14400 and 86400; 0: never */
} manifest_reminders;

typedef struct manifest_models {
    bool forbid; /* nothing may leave for a model */
} manifest_models;

typedef struct manifest_subscription {
    char *event, *tool;
    manifest_params params; /* a text may hold {payload.KEY} */
    manifest_place place;
} manifest_subscription;

typedef struct manifest_threshold {
    char *metric;
    double warning, critical; /* NaN, with which nothing compares: not given */
    bool below;               /* a breach is a value under the limit */
    char *project, *branch;   /* patterns, or NULL for all */
    char *set_by, *set_on;    /* whose number it is, and of which day: 2026-01-31; or NULL */
    char *reason;             /* or NULL */
    manifest_place place;
} manifest_threshold;

/* A rule of the gate. The strictest matching rule wins, but a `loosen` line is what lets a rule be weaker than the
 * table. */
typedef enum manifest_decision { MANIFEST_EXECUTE = 1, MANIFEST_ASK, MANIFEST_REFUSE } manifest_decision;
typedef struct manifest_rule {
    char *tool, *project, *branch; /* patterns, or NULL for all */
    int effect;                    /* 0 any, else effect of effect.h */
    int branch_class;              /* 0 any, else lb_branch_class */
    manifest_decision decision;
    bool loosen;  /* said explicitly */
    char *reason; /* required for loosen */
    manifest_place place;
} manifest_rule;

/* Some tools, one after the other, as one scheduled job; what runs it is somebody else's clock. */
#define MANIFEST_MOST_JOBS 256
typedef struct manifest_job {
    char *name, *summary, *cron;
    int timeout_s; /* for all of it */
    char **tools;  /* NULL-terminated, in order */
    manifest_place place;
} manifest_job;

typedef struct manifest_secret {
    char *name;
    char *env, *file; /* one of them */
    manifest_place place;
} manifest_secret;

/* A web service that tools may call: [http.NAME]. */
typedef enum manifest_site_kind { MANIFEST_SITE_JSON = 1, MANIFEST_SITE_GITHUB } manifest_site_kind;
typedef struct manifest_site {
    char *name, *url;
    int kind;         /* manifest_site_kind: which headers its calls carry */
    char *token;      /* name under [secrets], or NULL */
    char *ca;         /* absolute, or NULL */
    bool allow_plain; /* http, on this machine */
    manifest_place place;
} manifest_site;

typedef struct manifest_limits {
    int workers;            /* default 2 */
    int worker_memory_mb;   /* address space of a worker, default 1024 */
    int run_memory_mb;      /* arena of a run, default 256 */
    int result_mb;          /* default 16 */
    int run_events;         /* default 10000 */
    int run_records;        /* default 1000000 */
    int run_timeout_s;      /* default 300, where tool and manifest say nothing */
    int grace_s;            /* between asking a run to stop and killing it, default 5 */
    int recycle_runs;       /* a worker is replaced after so many, default 10000 */
    int crashes_to_suspend; /* default 3 */
    int connection_idle_s;  /* default 60 */
    int outbox_mb;          /* default 1024 */
} manifest_limits;

typedef struct manifest {
    char *path;         /* as given */
    char *directory;    /* where it lies: relative paths in it start here */
    char *name;         /* [workspace] name */
    char *state_dir;    /* absolute; LBOPS_STATE_DIR wins */
    char *timezone;     /* "UTC" */
    char *lock_file;    /* absolute, or NULL */
    char **plugin_dirs; /* absolute, NULL-terminated */
    manifest_limits limits;
    manifest_approvals approvals;
    manifest_timing schedule;
    manifest_events events;
    manifest_reminders alerts;
    manifest_models models;
    manifest_service *services;
    size_t service_count;
    manifest_target *targets;
    size_t target_count;
    manifest_agent *agents;
    size_t agent_count;
    manifest_schedule *schedules;
    size_t schedule_count;
    manifest_window *windows;
    size_t window_count;
    manifest_routine *routines;
    size_t routine_count;
    manifest_subscription *subscriptions;
    size_t subscription_count;
    manifest_threshold *thresholds;
    size_t threshold_count;
    manifest_rule *rules;
    size_t rule_count;
    manifest_alert_route *alert_routes;
    size_t alert_route_count;
    manifest_job *jobs; /* its own; jobs.h has those that come with the program */
    size_t job_count;
    manifest_secret *secrets;
    size_t secret_count;
    manifest_site *sites;
    size_t site_count;
} manifest;

/* Reads and checks everything that can be judged from the text alone: syntax, unknown keys (with the nearest right
 * one), types, ranges, cron expressions, duplicate names, references inside the file, secrets that are literals,
 * environment variables and secret files that are missing (file mode too). *ret_manifest is set only when there is no
 * error. */
LB_MUST_CHECK int manifest_read(const char *path, manifest **ret_manifest, manifest_problems *problems);
LB_MUST_CHECK int manifest_parse(const char *text, size_t length, const char *path, manifest **ret_manifest,
                                 manifest_problems *problems);

/* As far as it can be understood, errors or not: for manifest_check alone, never to run anything. Names may be missing
 * in what had an error. NULL when the text is no TOML. */
manifest *manifest_read_partly(const char *path, manifest_problems *problems);
manifest *manifest_parse_partly(const char *text, size_t length, const char *path, manifest_problems *problems);
manifest *manifest_free(manifest *m);

/* Holds it against the plugins: unknown tools and services (with the nearest right name), a service of the wrong kind,
 * tool and service parameters (names, types, required ones), a subscription's event that no tool emits, calls of a tool
 * to tools that are not there. */
void manifest_check(const manifest *m, const registry *r, manifest_problems *problems);

const manifest_service *manifest_find_service(const manifest *m, lb_kind kind);
/* The agent's entry for a tool; agent NULL: the first agent that has it. NULL: none. */
const manifest_tool *manifest_find_tool(const manifest *m, const char *agent, const char *tool, const char **ret_agent);

const char *manifest_site_kind_name(int kind); /* "json" "github" */

/* The secret's value, read now. The caller wipes and frees it (manifest_secret_free). */
LB_MUST_CHECK int manifest_secret_value(const manifest *m, const char *name, char **ret_value, lb_error *err);
void manifest_secret_free(char *value);

/* What the manifest says for a plugin, secrets with their values, in the arena. NULL after a failure. */
const param_arg *manifest_args(const manifest *m, const manifest_params *params, arena *memory, size_t *ret_count,
                               lb_error *err);

/* Where plugins are when a manifest does not say: build/plugins or PREFIX/lib/lbops/plugins, found from the program's
 * own place. The caller frees. */
char *manifest_default_plugin_dir(void);

/* What was loosened, a line each, for `check`. */
void manifest_loosened(const manifest *m, buf *b);

/* `lbops init`: a starter with comments that manifest_read accepts. */
extern const char manifest_starter[];

/* All keys with their values, defaults and meanings, as Markdown, from the table that the reader follows. */
void manifest_reference(buf *b);

#endif
