/* serve_internal.h: the inside of the daemon, for its files. Nobody else includes this. */
#ifndef LBOPS_HOST_SERVE_INTERNAL_H
#define LBOPS_HOST_SERVE_INTERNAL_H

#include "alert_route.h"
#include "alone.h"
#include "awake.h"
#include "control.h"
#include "json.h"
#include "log.h"
#include "router.h"
#include "scheduler_plan.h"
#include "serve.h"
#include "service_state.h"
#include "targets.h"
#include "text_map.h"

#include <lbops/alert.h>

#define SCHEDULE_SPACE "schedule" /* a document per entry: its last slot. owner: its target */
#define CURSOR_SPACE   "cursor"   /* a document per subscription: how far it has come */
#define LEASE_SPACE    "lease"    /* of targets, where hosts share the state */
#define AWAKE_SPACE    "awake"    /* a document per target: what it has used of its budget that day */
#define DAEMON_SPACE   "daemon"   /* a lease per daemon that takes part in sharing */

#define SERVE_LOG_NAME (ID_TEXT + 1)
#define SERVE_NEWS     (INT64_C(86400) * CLOCK_SECOND) /* what is older is told to nobody who was not there before */

#define SERVICE_FAILS 3 /* starts in a row that came to nothing: before, it is one that is back in a moment */

typedef struct serve_target {
    char *project, *branch;
    lb_branch_class branch_class;
    bool is_ours, is_asked; /* for the lease, where there are any */
    alone alone;
    awake_day awake;
} serve_target;

typedef struct serve {
    const serve_options *options;
    struct ev_loop *loop;
    manifest *manifest;
    registry *registry;
    supervisor *supervisor;
    desk *desk;
    control *control;
    int lock_fd;
    char host[HOST_ID_TEXT];
    int64_t started_at;

    sched *sched;
    sched_made *plan;
    serve_target *targets;
    size_t target_count, target_capacity;
    char *listing;     /* the last listing of branches */
    text_map versions; /* of the documents of schedule entries */
    text_map awake_known;
    ev_timer schedule_timer, targets_timer, lease_timer;
    bool is_scheduling, lists_targets, is_leased;
    struct sharing *leaving; /* places of nobody that are on their way to us */
    size_t running;

    service *history, *channel; /* NULL: there is none */
    char *unwritten;            /* why history could not be written when that was last tried; or NULL */
    struct message *messages;   /* for the channel, not taken yet */
    text_map outages;           /* service: since when it is down */
    struct alerting *alerting;  /* the alert in hand */
    uint64_t alerted;           /* the last event that was made one of */
    struct outlet *outlets;     /* a list: the alert services */
    alert_routes *routes;       /* to them */

    router *router;
    router_subscription *subscriptions;
    size_t subscription_count;
    bool has_cursors; /* they are read */
    int router_lock;  /* held by whoever brings events to their subscribers; -1: not us */
    bool waits_for_router;
    ev_timer router_wait;
    ev_timer reminder; /* serve_remind.c */
    text_map live;     /* the hosts that were there at the last look, where they share the state */
    const char *alerts_id;
    int64_t alertable_from; /* where no router was ever there before: what is older is told to nobody any more */
    char
        log_name[SERVE_LOG_NAME]; /* "@NAME" of our log of events, where hosts with logs of their own share the state */
    bool is_once;                 /* serve_once.c: for one request; the log of events is not held */
    uint64_t log_last;            /* then: its newest event */
    void (*routed)(struct serve *s); /* the router is there, or will not be; NULL: not interested */
    bool is_fresh;                   /* there was no router yet: new subscriptions hear of the start, too, */
    uint64_t fresh_from;             /* which is behind this event */
    arena subscription_memory;

    ev_signal hup, term, interrupt;
    ev_timer watchdog, drain_limit, drained;
    ev_async reloaded;
    struct reload *reload;
    bool is_ready, is_draining;
    lb_error failure;
} serve;

/* serve.c */
void serve_stop(serve *s, const char *reason);
bool serve_reload(serve *s); /* false: one is under way */

/* serve_schedule.c: what is due */
LB_MUST_CHECK int serve_schedule_start(serve *s, lb_error *err); /* the state is ready */
void serve_schedule_reload(serve *s);
void serve_schedule_stop(serve *s);
void serve_schedule_arm(serve *s);
const serve_target *serve_find_target(const serve *s, const char *project, const char *branch);
serve_target *serve_own_target(serve *s, const char *project, const char *branch); /* the same, to be altered */
serve_target *serve_push_target(serve *s, const lb_target *target);                /* valid until the next one comes */
void serve_clear_targets(serve *s);
void serve_remember(serve *s, wire_reader *docs); /* documents of the schedule's space */

/* serve_sight.c: what could not be seen and is not looked at any more is over: of all that is ours to say, and of one
 * place, whose lease we hold. project NULL: the workspace. */
void serve_forget_others(serve *s);
void serve_forget_at(serve *s, const char *project, const char *branch);
bool serve_is_same(const char *a, const char *b); /* names; NULL is only like NULL */

/* serve_awake.c: the budget of time that computes are awake only for the schedule */
void serve_awake_begin(serve *s, serve_target *t, int64_t period, run_ask *ask); /* fills in what the run is to know */
bool serve_awake_claim(const serve *s, const serve_target *t, char key[SCHED_KEY], char body[96], lb_state_op *op);
void serve_awake_end(serve *s, serve_target *t, const run_done *done);
bool serve_awake_wakes(const serve *s, const serve_target *t); /* the manifest lets schedules wake it */
void serve_awake_start(serve *s);                              /* what the state knows of them, */
void serve_awake_recall(const serve *s, serve_target *t);      /* and of one that comes later */

/* serve_lease.c: whose targets are whose */
void serve_lease_start(serve *s);
void serve_lease_stop(serve *s);
bool serve_lease_is_ours(void *state, const lb_target *target); /* a hook of the supervisor */
/* A place that nobody looks at any more: under its lease, what could not be seen there is over. As above. */
void serve_lease_leave(serve *s, const char *project, const char *branch);
const lb_state_op *serve_lease_claim(const serve *s, const char *project, const char *branch, char key[SCHED_KEY],
                                     lb_state_op *op);

/* serve_events.c: subscriptions */
bool serve_router_take(serve *s, lb_error *err); /* false: another process has it, or err says why it cannot be had */
void serve_router_leave(serve *s);
LB_MUST_CHECK int serve_name_log(serve *s, lb_error *err); /* before services and subscriptions */
/* Only looks: LB_ERR_NOT_FOUND where it has no name yet. */
LB_MUST_CHECK int serve_log_name(const char *state_dir, char into[SERVE_LOG_NAME], lb_error *err);
LB_MUST_CHECK int serve_events_start(serve *s, lb_error *err);
void serve_events_stop(serve *s);
void serve_events_durable(void *state, uint64_t seq);

/* serve_services.c: history, the channel to people, alerts */
LB_MUST_CHECK int serve_services_start(serve *s, lb_error *err);
void serve_services_stop(serve *s);
/* What the state knows of an open alert. One about a service of ours ends where that works, or is in the manifest no
 * more; else when it works: the outage may have begun before this daemon did. */
#define SERVICE_ALERT "service/" /* before the service's label: the alert's key */
void serve_outage_recall(serve *s, const lb_state_doc *doc, struct json_object *alert);
void serve_publish(void *state, const char *id, const char *record);
void serve_settle(void *state, const char *id, const char *record);
void serve_flush(serve *s, desk_call *call);
LB_MUST_CHECK int serve_start_alert(serve *s, const manifest_service *named, service **ret_service, lb_error *err);
bool serve_send_note(service *to, const lb_alert_note *note, service_answer sent, void *tag); /* false: not now */

/* serve_alerts.c: from events to alerts */
#define SERVE_ALERTS "host:alerts"                                  /* the subscription, before log_name */
void serve_alerts_resume(serve *s, const char *dir, uint64_t last); /* before the router: what it has told already */
router_answer serve_on_alertable(void *state, const router_delivery *delivery, lb_error *err);
void serve_alerts_stop(serve *s);

/* serve_remind.c: alerts whose event comes once are said again while they are open */
void serve_remind_start(serve *s); /* events are brought to those who follow them */
void serve_remind_stop(serve *s);

/* serve_gone.c: the end of alerts about branches that are not there any more */
#define ALERT_SPACE "alert" /* what is known of each alert, by its key */
void serve_gone_find(serve *s, void (*listed)(void *owner, void *tag, wire_reader *docs, const lb_error *error),
                     void *tag);
bool serve_gone_tell(serve *s, wire_reader *docs, const event *cause); /* false: the log has no room now */
void serve_gone_listed(serve *s);                                      /* the branches have been listed anew */
void serve_gone_approvals(serve *s, const event *deleted, struct json_object *payload); /* may be called again */

/* serve_outlet.c: from alerts to people; each service goes its own pace */
#define OUTLET_SPACE "digest" /* a document per service: its last digest */
LB_MUST_CHECK int outlets_start(serve *s, lb_error *err);
void outlets_stop(serve *s);
size_t outlet_count(const serve *s);
router_subscription outlet_subscription(serve *s, size_t index);
void outlets_remember(serve *s, wire_reader *docs);             /* documents of the space above */
void outlets_hurry(serve *s);                                   /* what is held for a digest goes now */
const char *outlet_label(const serve *s, const service *which); /* "alert", "alert.NAME" */
void outlets_show(const serve *s, buf *b, void (*show)(buf *b, const char *label, const service *which, size_t held));

/* serve_ask.c: what only a daemon is asked */
bool serve_ask(void *state, const char *verb, struct json_object *request, desk_call *call);

#endif
