/* sync_platform.h: what the platform itself says of copies: its change feeds, from the server to the lakehouse, and its
 * synced tables, the other way. */
#ifndef LBOPS_HEALTH_SYNC_PLATFORM_H
#define LBOPS_HEALTH_SYNC_PLATFORM_H

#include "sync_pair.h"

typedef struct sync_pipeline {
    bool is_feed;       /* false: a synced table */
    const char *name;   /* as the control plane names it */
    const char *state;  /* without the platform's prefix: STREAMING, ONLINE_PIPELINE_FAILED */
    const char *detail; /* the platform's words; NULL: none */
    const char *schema, *table;
    const char *copy;  /* NULL: not said */
    int64_t synced_at; /* LB_TIME_NONE: never */
} sync_pipeline;

typedef struct sync_platform {
    const char *why_none; /* nothing of the kind can be read here, and why; NULL: it can */
    sync_pipeline *feeds; /* of the database that we are in */
    size_t feed_count, feed_room;
    const char **catalogs; /* that it is registered as */
    size_t catalog_count;
    bool has_hidden_catalogs; /* some could not be looked at */
    bool is_partly_seen;      /* a pipeline that is not found may be there all the same */
} sync_platform;

/* Once for a run. What cannot be read is no failure: it is said in why_none. */
LB_MUST_CHECK int sync_open_platform(lb_ctx *ctx, sync_platform *ret_platform, lb_error *err);

#define SYNC_PIPELINES_MOST 8 /* of one pair */

/* *ret_sure: there are no others. */
LB_MUST_CHECK int sync_find_pipelines(lb_ctx *ctx, const sync_platform *platform, const sync_wish *wish,
                                      sync_pipeline *pipelines, size_t *ret_count, bool *ret_sure, lb_error *err);
bool sync_pipeline_failed(const sync_pipeline *p);

#endif
