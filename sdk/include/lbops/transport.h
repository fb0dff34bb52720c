/* lbops/transport.h: the interface of a transport, the service that reaches servers and the control plane.
 *
 * A worker opens one transport and keeps it; sessions are opened per target and kept between runs while they are in
 * use. Results are pushed into the host's sink as text cells, the way the server prints them; the host decodes them by
 * the statement's declared columns. Every call may block until its deadline (on the clock of
 * lb_service_host.now) and must return by then. [worker] */
#ifndef LBOPS_TRANSPORT_H
#define LBOPS_TRANSPORT_H

#include "tool.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the host gives to a service. */
typedef struct lb_service_host {
    uint32_t size;
    void (*vlog)(lb_level level, const char *fmt, va_list args);
    bool (*cancelled)(void); /* true once the current run should stop */
    int64_t (*now)(void);    /* the clock of deadlines: CLOCK_MONOTONIC in microseconds, which no one can set */
    const char *state_dir;   /* where a service may keep what is its own, in a folder of its name; or NULL */
    bool (*may_wake)(void);  /* may the current run wake a suspended compute? */
    /* To be told ahead of a connection that wakes one, which sleeps again after so many microseconds without activity
     * (0: nobody knows): that time is the run's. Since 1.4. */
    void (*woke)(int64_t sleeps_after);
} lb_service_host;

/* How the table of every service begins, whatever its kind. */
typedef struct lb_service {
    uint32_t size;
    uint32_t param_size, args_size;
    const lb_param *params; /* what stands under [services.KIND] */
} lb_service;

/* What a server says beside its answer: a notice, a warning, and lesser things where the session has asked for them. */
typedef struct lb_notice {
    uint32_t size;
    const char *severity; /* "NOTICE", in English whatever language the server speaks */
    const char *sqlstate;
    const char *routine; /* of the server, where it says it: "ATRewriteTable"; NULL: it does not say */
    const char *text;
} lb_notice;

/* Where rows go. Both return 0 or a negative code with err filled, which the transport passes up after it has drained
 * or cancelled the statement. */
typedef struct lb_sink {
    uint32_t size;
    void *state;
    int (*columns)(void *state, uint32_t count, const char *const *names, lb_error *err);
    int (*row)(void *state, uint32_t count, const char *const *cells, lb_error *err); /* a NULL cell is SQL's null */
    /* While a statement runs, with texts that live as long as the call. NULL: nobody listens. Since 1.4. */
    void (*notice)(void *state, const lb_notice *notice);
} lb_sink;

/* One statement to run. */
typedef struct lb_command {
    uint32_t size;
    const char *name;               /* of the catalogue: for fixtures, logs and application_name */
    const char *text;               /* what the server gets */
    const char *const *params;      /* $1 ... in text form; a NULL entry is null */
    const char *const *param_types; /* server type names, "int8" */
    uint32_t param_count;
    bool read_only;       /* run in a read-only transaction */
    const lb_value *args; /* the same arguments by name, before composing: what fixtures match on */
    int64_t deadline;     /* on the clock that lb_service_host.now reads */
    bool brief;           /* a read that would rather fail than wait for a lock: of a tool that only looks. Since 1.4 */
} lb_command;

typedef struct lb_transport {
    uint32_t size;
    uint32_t param_size, args_size;
    const lb_param *params; /* what stands under [services.transport] */

    /* Opens the service. args is the struct that params fill. */
    int (*open)(const lb_service_host *host, const void *args, void **ret_state, lb_error *err);
    void (*close)(void *state);

    /* A session on a target. application names the tool for the server's own views. */
    int (*connect)(void *state, const lb_target *target, const char *application, int64_t deadline, void **ret_session,
                   lb_error *err);
    void (*disconnect)(void *session);

    /* Called when a run takes a kept session over: check that it still lives, rename it. A negative return: reconnect.
     */
    int (*reuse)(void *session, const char *application, int64_t deadline, lb_error *err);

    int (*server_version)(void *session, int *ret_major, lb_error *err);

    /* Runs one statement; ret_affected is the server's count of rows touched, or -1. */
    int (*execute)(void *session, const lb_command *command, const lb_sink *sink, int64_t *ret_affected, lb_error *err);

    /* Brackets for an atomic group. finish with commit=false takes everything back. */
    int (*begin)(void *session, int64_t deadline, lb_error *err);
    int (*finish)(void *session, bool commit, int64_t deadline, lb_error *err);

    /* One call to the control plane. The reply is handed to `reply` once, as a JSON document. That of a change is an
     * operation: {"name", "done", "response"}. A transport may wait until it is done, as the one for Lakebase does; a
     * caller that finds `done` absent or false asks again: GET name. */
    int (*control)(void *state, const lb_request *request, int64_t deadline,
                   int (*reply)(void *arg, const char *json, lb_error *err), void *arg, lb_error *err);

    /* A clock that stands still, for fixtures: microseconds, or 0 to use the real one. NULL: the real one. */
    int64_t (*clock)(void *state);

    /* Answers a question to the history in its place, as fixtures do, for a run on that target: 1. 0: it has nothing to
     * say, ask the history. NULL: as 0. Since 1.1. */
    int (*history)(void *state, const lb_target *target, const lb_command *command, const lb_sink *sink, lb_error *err);

    /* Answers calls to the web services of the manifest in their place, as fixtures do: no such call gets anywhere
     * then. As `control` otherwise. NULL: they are called. Since 1.2. */
    int (*http)(void *state, const char *service, const lb_request *request, int64_t deadline,
                int (*reply)(void *arg, const char *json, lb_error *err), void *arg, lb_error *err);
    /* execute, of a read, on a session that another thread may call while this one uses other sessions: it touches
     * nothing but the session and never connects again. NULL: only one thread may call. Since 1.2. */
    int (*sample)(void *session, const lb_command *command, const lb_sink *sink, lb_error *err);

    /* Tells the environment by which a program reaches the session's server as the same role: libpq's variables, with
     * secrets among them. NULL: there is no server to reach. Since 1.2. */
    int (*lend)(void *session, int (*put)(void *arg, const char *name, const char *value), void *arg, lb_error *err);

    bool tells_notices; /* what a server says goes into the sink of the statement that it is said of; since 1.4 */

    /* connect, to a compute of the branch that only reads, by its endpoint's id. It is not woken for that, whatever the
     * run may do. NULL: none can be reached. Since 1.4. */
    int (*connect_reader)(void *state, const lb_target *target, const char *endpoint, const char *application,
                          int64_t deadline, void **ret_session, lb_error *err);
} lb_transport;

#define LB_TRANSPORT(plugin, text, ...)                                                                                \
    static const lb_transport plugin##_ops = {.size = sizeof(lb_transport), __VA_ARGS__};                              \
    LB_PLUGIN(plugin, LB_KIND_TRANSPORT, text, &plugin##_ops)

#ifdef __cplusplus
}
#endif
#endif
