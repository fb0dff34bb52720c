/* databricks.yml and resources/: YAML by hand; every text that is not ours is a quoted one, as JSON quotes it. */
#include "bundle.h"

#include "json.h"
#include "quartz.h"

#include <launcher_text.h> /* jobs/launch.py of the source */

#define START_S      900  /* for a compute to come, on top of the job's own time */
#define MOST_AT_ONCE 4    /* projects of one job, which share its compute */
#define OFTEN_S      3600 /* what comes again so soon need not be tried again, nor wait for its turn */

const char *const bundle_launcher = launcher_text;

static const char *text_param(const manifest_service *service, const char *name)
{
    for (size_t i = 0; service && i < service->params.count; i++)
        if (strcmp(service->params.items[i].name, name) == 0)
            return service->params.items[i].text;
    return NULL;
}

static bool has_param(const manifest_service *service, const char *name)
{
    for (size_t i = 0; service && i < service->params.count; i++)
        if (strcmp(service->params.items[i].name, name) == 0)
            return true;
    return false;
}

static void put_line(buf *out, const char *key, const char *text)
{
    buf_puts(out, key);
    json_string(out, text);
    buf_putc(out, '\n');
}

/* ---- databricks.yml ---- */

static const char variables[] =
    "  service_principal:\n"
    "    description: application id of the service principal that the jobs run as\n"
    "  secret_scope:\n"
    "    description: secret scope with the keys that resources/*.yml name under spark_env_vars\n"
    "    default: lbops\n"
    "  state_dsn:\n"
    "    description: Postgres for state and approvals, as a connection string without a password\n"
    "  notification_email:\n"
    "    description: who is told when a job fails\n"
    "  node_type_id:\n"
    "    description: a small compute of your cloud, such as m6i.large, Standard_D2ds_v5 or n2-standard-4\n"
    "  spark_version:\n"
    "    description: the runtime; nothing but its Python is used\n"
    "    default: 15.4.x-scala2.12\n";

static const char targets[] = "\n"
                              "targets:\n"
                              "  dev:\n"
                              "    mode: development # names get a prefix, schedules are paused\n"
                              "    default: true\n"
                              "  prod:\n"
                              "    mode: production\n"
                              "    workspace:\n"
                              "      root_path: /Workspace/Shared/.bundle/${bundle.name}/${bundle.target}\n"
                              "    run_as:\n"
                              "      service_principal_name: ${var.service_principal}\n";

void bundle_root(const bundle *b, buf *out)
{
    const manifest_service *delta = manifest_find_service(b->m, LB_KIND_DELTA);
    const char *host = text_param(manifest_find_service(b->m, LB_KIND_TRANSPORT), "host");
    const char *warehouse = text_param(delta, "warehouse_id");
    BUF_AUTO name = BUF_INIT(1024);
    buf_printf(&name, "lbops-%s", b->m->name);
    buf_puts(out, "bundle:\n");
    put_line(out, "  name: ", buf_text(&name));
    buf_puts(out, "\ninclude:\n  - resources/*.yml\n"
                  "\nsync: # archives are uploaded, whatever .gitignore says\n  include:\n    - dist/*.tar.xz\n\n");
    if (host)
        put_line(out, "workspace:\n  host: ", host);
    else
        buf_puts(out, "# DATABRICKS_HOST or a profile says which workspace: bundles take no variable for it.\n");
    buf_puts(out, "\nvariables:\n  warehouse_id:\n    description: the SQL warehouse that history goes through\n");
    if (warehouse)
        put_line(out, "    default: ", warehouse);
    buf_puts(out, variables);
    buf_puts(out, targets);
}

/* ---- a job ---- */

static const char notifications[] = "      email_notifications:\n"
                                    "        on_failure:\n"
                                    "          - ${var.notification_email}\n"
                                    "        on_duration_warning_threshold_exceeded:\n"
                                    "          - ${var.notification_email}\n"
                                    "      notification_settings:\n"
                                    "        no_alert_for_skipped_runs: true\n"
                                    "        no_alert_for_canceled_runs: true\n";

static void put_secret(buf *out, const char *env, const char *key)
{
    buf_printf(out, "              LBOPS_ENV_%s: \"{{secrets/${var.secret_scope}/%s}}\"\n", env, key);
}

static void put_compute(const bundle *b, buf *out)
{
    char name[200];
    const manifest_service *transport = manifest_find_service(b->m, LB_KIND_TRANSPORT);
    bool knows_us = has_param(transport, "client_secret") || has_param(transport, "token");
    buf_puts(out, "      job_clusters:\n"
                  "        - job_cluster_key: one\n"
                  "          new_cluster:\n"
                  "            spark_version: ${var.spark_version}\n"
                  "            node_type_id: ${var.node_type_id}\n"
                  "            num_workers: 0\n"
                  "            data_security_mode: SINGLE_USER\n"
                  "            spark_conf:\n"
                  "              spark.databricks.cluster.profile: singleNode\n"
                  "              spark.master: \"local[*]\"\n"
                  "            custom_tags:\n"
                  "              ResourceClass: SingleNode\n"
                  "            spark_env_vars:\n");
    put_secret(out, "LBOPS_STATE_PASSWORD", "state_password");
    if (!knows_us) {
        put_secret(out, "DATABRICKS_CLIENT_ID", "client_id");
        put_secret(out, "DATABRICKS_CLIENT_SECRET", "client_secret");
    }
    for (size_t i = 0; i < b->m->secret_count; i++)
        put_secret(out, bundle_secret_env(&b->m->secrets[i], name, sizeof name), b->m->secrets[i].name);
}

/* The launcher's words; `indent` spaces before each line. */
static void put_launch(buf *out, int indent, const char *name, const char *const *words, bool fails_on_critical)
{
    buf_printf(out, "%*sjob_cluster_key: one\n%*sspark_python_task:\n%*spython_file: ../launch.py\n%*sparameters:\n",
               indent, "", indent, "", indent + 2, "", indent + 2, "");
    const char *const fixed[] = {"--host",  "${workspace.host}", "--warehouse", "${var.warehouse_id}",
                                 "--state", "${var.state_dsn}"};
    const char *const options[] = {"--fail-on", "critical"};
    buf_printf(out, "%*s- --archive\n%*s- ${workspace.file_path}/dist/lbops-%s.tar.xz\n", indent + 4, "", indent + 4,
               "", name);
    buf_printf(out, "%*s- --manifest\n%*s- ${workspace.file_path}/manifests/%s.toml\n", indent + 4, "", indent + 4, "",
               name);
    for (size_t i = 0; i < LB_COUNT(fixed); i++)
        buf_printf(out, "%*s- %s\n", indent + 4, "", fixed[i]);
    for (size_t i = 0; fails_on_critical && i < LB_COUNT(options); i++)
        buf_printf(out, "%*s- %s\n", indent + 4, "", options[i]);
    buf_printf(out, "%*s- --\n", indent + 4, "");
    for (; *words; words++)
        buf_printf(out, "%*s- \"%s\"\n", indent + 4, "", *words);
}

static void put_head(const bundle *b, const char *name, const char *summary, buf *out)
{
    BUF_AUTO title = BUF_INIT(1024);
    buf_printf(&title, "lbops-%s-%s", b->m->name, name);
    buf_printf(out, "resources:\n  jobs:\n    %s:\n", name);
    put_line(out, "      name: ", buf_text(&title));
    if (summary)
        put_line(out, "      description: ", summary);
    buf_printf(out, "      max_concurrent_runs: 1\n      tags:\n        app: lbops\n        component: %s\n", name);
}

/* Does it change nothing that a second try could make worse? */
static bool is_harmless(const bundle *b, const manifest_job *job)
{
    for (char *const *tool = job->tools; *tool; tool++) {
        const plugin_spec *spec = registry_find(b->r, LB_KIND_TOOL, *tool);
        if (!spec || spec->risk != LB_RISK_LOW || spec->needs_approval)
            return false;
    }
    return true;
}

/* A tool of the whole workspace would run once for each project. */
static bool is_per_project(const bundle *b, const manifest_job *job)
{
    for (char *const *tool = job->tools; *tool; tool++) {
        const plugin_spec *spec = registry_find(b->r, LB_KIND_TOOL, *tool);
        if (!spec || spec->workspace)
            return false;
    }
    return true;
}

static void put_retries(buf *out, int indent, bool again)
{
    if (again)
        buf_printf(out, "%*smax_retries: 1\n%*smin_retry_interval_millis: 60000\n%*sretry_on_timeout: false\n", indent,
                   "", indent, "", indent, "");
    else
        buf_printf(out, "%*smax_retries: 0\n", indent, "");
}

static void put_tasks(const manifest_job *job, bool again, const char *projects, buf *out)
{
    const char *const words[] = {"job", job->name, projects ? "--project" : NULL, "{{input}}", NULL};
    buf_printf(out, "      tasks:\n        - task_key: %s\n", job->name);
    if (!projects) {
        put_retries(out, 10, again);
        put_launch(out, 10, job->name, words, true);
        return;
    }
    buf_puts(out, "          for_each_task:\n");
    put_line(out, "            inputs: ", projects);
    buf_printf(out, "            concurrency: %d\n            task:\n              task_key: %s_of_project\n",
               MOST_AT_ONCE, job->name);
    put_retries(out, 14, again);
    put_launch(out, 14, job->name, words, true);
}

int bundle_job(const bundle *b, const manifest_job *job, buf *out, lb_error *err)
{
    cron c;
    BUF_AUTO quartz = BUF_INIT(1024), projects = BUF_INIT(BUNDLE_TEXT_MAX);
    bool served = bundle_is_served(b, job);
    if (quartz_from_cron(job->cron, &quartz, err) < 0 || cron_parse(job->cron, &c, err) < 0)
        return lb_wrap(err, job->name);
    bool often = cron_period_s(&c) < OFTEN_S;
    size_t count = is_per_project(b, job) ? bundle_projects(b->m, &projects) : 0;
    int64_t rounds = count > 1 ? ((int64_t)count + MOST_AT_ONCE - 1) / MOST_AT_ONCE : 1;
    int64_t longest = START_S + job->timeout_s * rounds;
    if (served)
        buf_puts(
            out,
            "# Paused: compute that has to come first would not be there in time. resources/serve.yml does this.\n");
    put_head(b, job->name, job->summary, out);
    buf_printf(out, "      queue:\n        enabled: %s\n      timeout_seconds: %lld\n", often ? "false" : "true",
               (long long)longest);
    put_line(out, "      schedule:\n        quartz_cron_expression: ", buf_text(&quartz));
    put_line(out, "        timezone_id: ", b->m->timezone);
    buf_printf(out, "        pause_status: %s\n", served ? "PAUSED" : "UNPAUSED");
    buf_printf(out,
               "      health:\n        rules:\n          - metric: RUN_DURATION_SECONDS\n            op: GREATER_THAN\n"
               "            value: %lld\n",
               (long long)(longest * 4 / 5));
    buf_puts(out, notifications);
    put_compute(b, out);
    put_tasks(job, !often && is_harmless(b, job), count > 1 ? buf_text(&projects) : NULL, out);
    return 0;
}

static void put_comma_name(void *state, const manifest_job *job, const char *tool)
{
    buf *out = state;
    (void)job;
    buf_printf(out, "%s%s", out->length ? ", " : "", tool);
}

void bundle_serve(const bundle *b, buf *out)
{
    static const char *const words[] = {"serve", NULL};
    BUF_AUTO tools = BUF_INIT(BUNDLE_TEXT_MAX), summary = BUF_INIT(BUNDLE_TEXT_MAX);
    bundle_each_served_tool(b, put_comma_name, &tools);
    buf_printf(&summary, "lbops serve: %s", buf_text(&tools));
    buf_puts(out, "# One compute that stays, for what is due too often for computes that come and go.\n");
    put_head(b, "serve", buf_text(&summary), out);
    buf_puts(out, "      continuous:\n        pause_status: UNPAUSED\n");
    buf_puts(out, "      email_notifications:\n        on_failure:\n          - ${var.notification_email}\n");
    put_compute(b, out);
    buf_puts(out, "      tasks:\n        - task_key: serve\n");
    put_launch(out, 10, "serve", words, false);
}
