/* alert_dbsql: alerts as Databricks SQL has them. One SQL alert for each of the eight metrics, and one for everything
 * else, reads the alerts that are open in the history's table; Databricks evaluates them on a schedule and tells whom
 * they are subscribed to, whether we are up or not. The service makes them, keeps them as the manifest has them, and
 * takes a note for delivered once they stand: from there on it is the history that carries it. */
#include "alert_dbsql.h"
#include "auth_token.h"
#include "service_ground.h"

#include <lbops/alert.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Somebody may have changed or trashed one; and whether the workspace answers is seen by asking it. */
#define LOOK_AGAIN (INT64_C(60) * REST_SECOND)

struct settings {
    auth_settings auth;
    const char *warehouse_id, *catalog, *schema, *prefix, *timezone, *parent_path, *severity, *ca_file;
    lb_texts notify;
    int64_t every_min, remind_s, retry_pause_ms;
    bool notify_on_ok;
};

static const lb_param params[] = {
    AUTH_PARAMS(struct settings, auth),
    {.name = "warehouse_id",
     .type = LB_TEXT,
     .required = true,
     .doc = "the SQL warehouse that runs the queries; each evaluation wakes it",
     .offset = offsetof(struct settings, warehouse_id),
     .width = sizeof(const char *),
     .env = "DATABRICKS_WAREHOUSE_ID"},
    LB_PARAM(struct settings, catalog, LB_TEXT, "ops_catalog", "the history's catalog, as delta_databricks has it"),
    LB_PARAM(struct settings, schema, LB_TEXT, "lakebase_ops", "and its schema"),
    LB_PARAM(struct settings, prefix, LB_TEXT, "lbops",
             "of their names; what begins with it and \": \" is ours, to change and to trash"),
    LB_PARAM(struct settings, notify, LB_LIST_OF(LB_TEXT), "[]",
             "mail addresses, and ids of notification destinations"),
    LB_PARAM(struct settings, severity, LB_TEXT, "warning", "from which on people are told",
             .choices = "info|warning|critical"),
    LB_PARAM(struct settings, notify_on_ok, LB_BOOL, "true", "also tells when it is over"),
    LB_PARAM(struct settings, remind_s, LB_I64, "0", "tells again after so many seconds; 0: once", .min = "0"),
    LB_PARAM(struct settings, every_min, LB_I64, "5", "how often they are evaluated; from 60 on, whole hours",
             .min = "1", .max = "1380"),
    LB_PARAM(struct settings, timezone, LB_TEXT, "UTC", "of that schedule"),
    LB_PARAM(struct settings, parent_path, LB_TEXT, NULL, "folder for new ones; without it, the principal's own"),
    LB_PARAM(struct settings, ca_file, LB_TEXT, NULL, "certificates to trust, PEM, instead of the system's"),
    LB_PARAM(struct settings, retry_pause_ms, LB_I64, "500", "first pause before a call is repeated", .min = "1",
             .max = "10000"),
    LB_PARAMS_END,
};

typedef struct dbsql {
    const lb_service_host *host;
    auth *auth;
    rest_client *client;
    dbsql_wish wish;
    int64_t kept_at; /* 0: not yet */
} dbsql;

static void close_dbsql(void *state)
{
    dbsql *d = state;
    d->client = rest_client_free(d->client);
    d->auth = auth_free(d->auth);
    free(d);
}

static int connect_workspace(dbsql *d, const struct settings *s, const auth_config *config, lb_error *err)
{
    char id[80];
    const char *const headers[] = {config->workspace_id ? id : NULL, NULL};
    rest_options options = {.host = d->host,
                            .ca_file = s->ca_file,
                            .user_agent = "lbops/" LB_PLUGIN_VERSION,
                            .attempt_ms = 15000,
                            .budget_ms = 30000, /* the host sends again later; others wait meanwhile */
                            .pause_ms = s->retry_pause_ms};
    int r = auth_new(config, &options, &d->auth, err);
    if (r < 0)
        return r;
    (void)snprintf(id, sizeof id, "X-Databricks-Workspace-Id: %.40s", config->workspace_id ? config->workspace_id : "");
    options.base_url = auth_host(d->auth);
    options.headers = headers;
    options.authorize = auth_authorize;
    options.hide = auth_hide;
    options.arg = d->auth;
    return rest_client_new(&options, &d->client, err);
}

/* Letters, digits, _ and -: they stand in the query. */
static int check_name(const char *param, const char *name, lb_error *err)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    if (*name && !name[strspn(name, plain)])
        return 0;
    return lb_fail(err, LB_ERR_INVALID, "use letters, digits, _ and -", "%s of alert_dbsql is no name: '%.80s'", param,
                   name);
}

static int check_settings(const struct settings *s, lb_error *err)
{
    if (check_name("warehouse_id", s->warehouse_id, err) < 0 || check_name("catalog", s->catalog, err) < 0 ||
        check_name("schema", s->schema, err) < 0)
        return err->code;
    if (!*s->prefix || s->prefix[strcspn(s->prefix, ":\n")])
        return lb_fail(err, LB_ERR_INVALID, "such as lbops", "prefix of alert_dbsql is empty, or has a colon in it");
    for (size_t i = 0; i < s->notify.count; i++)
        if (!*s->notify.items[i] || strpbrk(s->notify.items[i], " \t\r\n"))
            return lb_fail(err, LB_ERR_INVALID, "write one mail address or one id as each",
                           "notify of alert_dbsql has '%.80s' in it", s->notify.items[i]);
    return 0;
}

static int keep(dbsql *d, int64_t deadline, lb_error *err)
{
    dbsql_count count;
    int r = dbsql_keep(d->client, &d->wish, deadline, &count, err);
    if (r < 0)
        return r;
    if (count.made || count.changed || count.trashed)
        service_log(d->host, LB_LOG_INFO, "SQL alerts: %d made, %d changed, %d trashed", count.made, count.changed,
                    count.trashed);
    d->kept_at = d->host->now();
    return 0;
}

static int fill_dbsql(void *state, const service_opening *opening, lb_error *err)
{
    const struct settings *s = opening->args;
    dbsql *d = state;
    auth_config config = {.host = NULL};
    d->host = opening->host;
    d->wish = (dbsql_wish){.prefix = s->prefix,
                           .warehouse = s->warehouse_id,
                           .catalog = s->catalog,
                           .schema = s->schema,
                           .timezone = s->timezone,
                           .parent_path = s->parent_path,
                           .severity = s->severity,
                           .notify = s->notify,
                           .every_min = s->every_min,
                           .remind_s = s->remind_s,
                           .notify_on_ok = s->notify_on_ok};
    int r = auth_config_load(&s->auth, &config, err);
    if (r >= 0)
        r = connect_workspace(d, s, &config, err);
    auth_config_done(&config);
    return r;
}

/* A workspace that cannot be reached now is for the first note to find out. */
static int open_dbsql(const lb_service_host *host, const void *args, const char *state_dir, int64_t deadline,
                      void **ret_state, lb_error *err)
{
    const service_opening opening = {.host = host, .args = args, .state_dir = state_dir};
    lb_error trouble;
    int r = check_settings(args, err);
    if (r >= 0)
        r = service_open(&opening, sizeof(dbsql), fill_dbsql, close_dbsql, ret_state, err);
    if (r >= 0 && host->now() < deadline && keep(*ret_state, deadline, &trouble) < 0)
        service_log(host, LB_LOG_WARN, "the SQL alerts could not be looked after: %s", trouble.message);
    return r;
}

static int send_note(void *state, const lb_alert_note *note, int64_t deadline, lb_alert_receipt *ret_receipt,
                     lb_error *err)
{
    dbsql *d = state;
    if (service_check_note(note, NULL, err) < 0 || service_check_time(d->host, deadline, err) < 0)
        return err->code;
    bool is_due = !d->kept_at || d->host->now() - d->kept_at >= LOOK_AGAIN;
    int r = is_due ? keep(d, deadline, err) : 0;
    if (r == 0)
        *ret_receipt = (lb_alert_receipt){.outcome = LB_ALERT_DELIVERED};
    return r;
}

LB_ALERT(alert_dbsql, "alerts as SQL alerts of a Databricks workspace", .params = params,
         .param_size = sizeof(lb_param), .args_size = sizeof(struct settings), .open = open_dbsql, .close = close_dbsql,
         .send = send_note);
