/* service_main.h: the child that holds one service plugin: `lbops --service`, with a socket on descriptor 3. A driver
 * per kind of service turns asks into calls of the plugin. [service] */
#ifndef LBOPS_HOST_SERVICE_MAIN_H
#define LBOPS_HOST_SERVICE_MAIN_H

#include "arena.h"
#include "params.h"
#include "wire.h"

#include <lbops/transport.h>

/* What a driver is opened with. Everything lives as long as the process. */
typedef struct service_env {
    const lb_service_host *host;
    const char *plugin;
    const void *ops;  /* the plugin's table */
    const void *args; /* the struct that the plugin's parameters fill */
    const char *state_dir, *work_dir;
    const param_arg *settings;
    size_t setting_count;
    arena *memory;
    int64_t asked; /* the ask that is being answered */
} service_env;

typedef struct service_driver {
    lb_kind kind;
    size_t ops_bytes; /* the least that the plugin's table must have */

    /* May add to the greeting what the supervisor should know. */
    int (*open)(const service_env *env, void **ret_state, buf *greeting, lb_error *err);
    void (*close)(void *state);

    /* One ask; the answer's fields go into `out`. */
    int (*handle)(void *state, uint32_t verb, wire_reader *in, int64_t deadline, buf *out, lb_error *err);

    /* Does this verb only read? Then it ends with the supervisor, while what changes something is always finished.
     * NULL: none does. */
    bool (*only_reads)(uint32_t verb);

    /* What it does by itself between asks; returns in how many microseconds it wants to be called again, -1: not before
     * the next ask. news: frames that nobody asked for (service_news). NULL: nothing. */
    int64_t (*idle)(void *state, buf *news);

    /* A descriptor to watch between asks, or -1: when it is readable, idle is called. NULL: none. */
    int (*watch)(void *state);
} service_driver;

extern const service_driver service_state_driver, service_alert_driver, service_approval_driver, service_delta_driver;

/* Brackets for one piece of news. */
size_t service_news_begin(buf *news);
void service_news_end(buf *news, size_t mark);

/* News at once, while an ask is answered. */
void service_send_news(buf *news);

/* A piece of the answer to the ask in hand, at once. A supervisor that is gone is seen at the next read. */
void service_send_piece(const service_env *env, const buf *piece);

/* A setting of the host's, or the fallback. */
const char *service_setting(const service_env *env, const char *name, const char *fallback);

int service_main(void);

#endif
