/* The manifests of a bundle: the person's own, for what one job needs. Its services, targets, limits, windows,
 * thresholds and rules stay as they are written; what depends on the machine is written anew: state and approvals are
 * in a Postgres that outlives the job's disk, history in Unity Catalog, and secrets in the environment. */
#include "bundle.h"

#include "json.h"
#include "targets.h"

#define MOST_NAMES 512

/* ---- the person's text, without some of its tables ---- */

static bool is_dropped(const char *name, size_t length)
{
    static const char *const dropped[] = {"workspace",         "secrets",        "services.state",
                                          "services.approval", "services.delta", "agents",
                                          "schedules",         "subscriptions",  "jobs"};
    for (size_t i = 0; i < LB_COUNT(dropped); i++) {
        size_t own = strlen(dropped[i]);
        if (length >= own && strncmp(name, dropped[i], own) == 0 && (length == own || name[own] == '.'))
            return true;
    }
    return false;
}

/* Behind a TOML string at p. */
static const char *skip_string(const char *p)
{
    char quote = *p;
    bool is_long = p[1] == quote && p[2] == quote;
    if (!is_long && p[1] == quote)
        return p + 2;
    for (p += is_long ? 3 : 1; *p; p++) {
        if (*p == '\\' && quote == '"' && p[1])
            p++;
        else if (*p == quote && !is_long)
            return p + 1;
        else if (*p == quote && p[1] == quote && p[2] == quote)
            return p + 3;
    }
    return p;
}

/* Behind a statement: its line, and further ones while a bracket or a string is open. */
static const char *skip_statement(const char *p)
{
    int depth = 0;
    while (*p && (*p != '\n' || depth > 0)) {
        if (*p == '"' || *p == '\'') {
            p = skip_string(p);
            continue;
        }
        if (*p == '#') {
            p += strcspn(p, "\n");
            continue;
        }
        depth += *p == '[' || *p == '{' ? 1 : *p == ']' || *p == '}' ? -1 : 0;
        p++;
    }
    return *p ? p + 1 : p;
}

static void put_kept(buf *out, const char *text)
{
    bool keeps = true;
    for (const char *p = text, *end; *p; p = end) {
        const char *word = p + strspn(p, " \t\r");
        end = skip_statement(p);
        if (*word == '#' || *word == '\n' || !*word)
            continue; /* its comments speak of more than this */
        if (*word == '[') {
            word += strspn(word, "[ \t");
            keeps = !is_dropped(word, strcspn(word, "] \t"));
            if (keeps)
                buf_putc(out, '\n');
        }
        if (keeps)
            buf_put(out, p, (size_t)(end - p));
    }
}

/* ---- what is written anew ---- */

static void put_param(buf *out, const manifest_param *param)
{
    buf_printf(out, "%s = ", param->name);
    if (param->secret) {
        buf_puts(out, "{ secret = ");
        json_string(out, param->secret);
        buf_puts(out, " }");
    } else if (param->text[0] == '[') { /* a JSON list is a TOML one */
        buf_puts(out, param->text);
    } else {
        json_string(out, param->text);
    }
}

static bool is_auth(const char *name)
{
    static const char *const names[] = {"host",      "client_id",    "client_secret", "token",
                                        "auth_type", "workspace_id", "ca_file"};
    for (size_t i = 0; i < LB_COUNT(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* The manifest's own delta_databricks; else one that is let in as the transport is. */
static void put_delta(const bundle *b, buf *out)
{
    const manifest_service *delta = manifest_find_service(b->m, LB_KIND_DELTA);
    bool is_ours = delta && strcmp(delta->plugin, "delta_databricks") == 0;
    const manifest_service *from = is_ours ? delta : manifest_find_service(b->m, LB_KIND_TRANSPORT);
    buf_puts(out, "\n[services.delta] # the warehouse is the bundle's variable\nplugin = \"delta_databricks\"\n");
    for (size_t i = 0; i < from->params.count; i++) {
        const manifest_param *param = &from->params.items[i];
        if (strcmp(param->name, "warehouse_id") == 0 || (!is_ours && !is_auth(param->name)))
            continue;
        put_param(out, param);
        buf_putc(out, '\n');
    }
}

const char *bundle_secret_env(const manifest_secret *secret, char *into, size_t size)
{
    if (secret->env)
        return secret->env;
    size_t length = (size_t)snprintf(into, size, "LBOPS_SECRET_%s", secret->name); /* names are short */
    for (size_t i = 0; i < length && i < size; i++)
        into[i] = into[i] >= 'a' && into[i] <= 'z' ? (char)(into[i] - 'a' + 'A') : into[i] == '-' ? '_' : into[i];
    return into;
}

static void put_head(const bundle *b, buf *out)
{
    char name[200];
    buf_puts(
        out,
        "# Secrets come from the secret scope of the bundle, by way of the job's environment.\n[workspace]\nname = ");
    json_string(out, b->m->name);
    buf_puts(out, "\ntimezone = ");
    json_string(out, b->m->timezone);
    buf_puts(out,
             "\n\n# The disk of a job goes away with it.\n"
             "[services.state]\nplugin = \"state_postgres\"\n\n[services.approval]\nplugin = \"approval_postgres\"\n");
    put_delta(b, out);
    if (b->m->secret_count)
        buf_puts(out, "\n[secrets]\n");
    for (size_t i = 0; i < b->m->secret_count; i++)
        buf_printf(out, "%s = { env = \"%s\" }\n", b->m->secrets[i].name,
                   bundle_secret_env(&b->m->secrets[i], name, sizeof name));
    put_kept(out, b->text);
}

/* The tool as the manifest's agents have it, without a schedule: somebody else's clock starts it. */
static void put_tool(const bundle *b, const char *agent, const char *tool, buf *out)
{
    const char *before = "", *of = NULL;
    const manifest_tool *entry = manifest_find_tool(b->m, NULL, tool, &of);
    buf_printf(out, "\n[agents.%s.tool.%s]\nschedule = \"\"\n", agent, tool);
    if (!entry)
        return;
    if (entry->timeout_s)
        buf_printf(out, "timeout_s = %u\n", entry->timeout_s);
    if (entry->needs_approval >= 0)
        buf_printf(out, "needs_approval = %s\n", entry->needs_approval ? "true" : "false");
    if (entry->disabled)
        buf_puts(out, "disabled = true\n");
    if (!entry->params.count)
        return;
    buf_puts(out, "params = { ");
    for (size_t i = 0; i < entry->params.count; i++) {
        buf_puts(out, before);
        put_param(out, &entry->params.items[i]);
        before = ", ";
    }
    buf_puts(out, " }\n");
}

void bundle_job_manifest(const bundle *b, const manifest_job *job, buf *out)
{
    const char *before = "";
    put_head(b, out);
    for (char *const *tool = job->tools; *tool; tool++)
        put_tool(b, job->name, *tool, out);
    buf_printf(out, "\n[[jobs]]\nname = \"%s\"\ncron = ", job->name);
    json_string(out, job->cron);
    buf_printf(out, "\ntimeout_s = %d\ntools = [", job->timeout_s);
    for (char *const *tool = job->tools; *tool; tool++) {
        buf_printf(out, "%s\"%s\"", before, *tool);
        before = ", ";
    }
    buf_puts(out, "]\n");
}

bool bundle_is_served(const bundle *b, const manifest_job *job)
{
    cron c;
    lb_error ignored; /* it was read before */
    return b->serve_below_s > 0 && cron_parse(job->cron, &c, &ignored) == 0 && cron_period_s(&c) < b->serve_below_s;
}

void bundle_each_served_tool(const bundle *b, void (*each)(void *state, const manifest_job *job, const char *tool),
                             void *state)
{
    const char *seen[MOST_NAMES];
    size_t count = 0;
    for (size_t i = 0; i < jobs_count(b->jobs); i++) {
        const manifest_job *job = jobs_at(b->jobs, i);
        for (char *const *tool = bundle_is_served(b, job) ? job->tools : NULL; tool && *tool; tool++) {
            size_t k = 0;
            while (k < count && strcmp(seen[k], *tool) != 0)
                k++;
            if (k < count || count == LB_COUNT(seen))
                continue;
            seen[count++] = *tool;
            each(state, job, *tool);
        }
    }
}

typedef struct serving {
    const bundle *b;
    buf *tools, *schedules;
} serving;

static void put_served(void *state, const manifest_job *job, const char *tool)
{
    const serving *s = state;
    put_tool(s->b, "serve", tool, s->tools);
    buf_printf(s->schedules, "\n[[schedules]]\ntool = \"%s\"\nname = \"%s\"\ncron = ", tool, job->name);
    json_string(s->schedules, job->cron);
    buf_putc(s->schedules, '\n');
}

void bundle_serve_manifest(const bundle *b, buf *out)
{
    BUF_AUTO schedules = BUF_INIT(BUNDLE_TEXT_MAX);
    serving s = {b, out, &schedules};
    put_head(b, out);
    bundle_each_served_tool(b, put_served, &s);
    buf_puts(out, buf_text(&schedules));
}

/* ---- what the rest asks of the manifest ---- */

/* Several alert services may be of one plugin. */
static bool is_first(const manifest *m, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (m->services[i].kind == m->services[at].kind && strcmp(m->services[i].plugin, m->services[at].plugin) == 0)
            return false;
    return true;
}

void bundle_each_service(const bundle *b, void (*each)(void *state, const char *plugin), void *state)
{
    static const lb_kind kept[] = {LB_KIND_TRANSPORT, LB_KIND_ALERT, LB_KIND_MODEL, LB_KIND_HTTP};
    each(state, "state_postgres");
    each(state, "approval_postgres");
    each(state, "delta_databricks");
    for (size_t i = 0; i < LB_COUNT(kept); i++)
        for (size_t k = 0; k < b->m->service_count; k++)
            if (b->m->services[k].kind == kept[i] && is_first(b->m, k))
                each(state, b->m->services[k].plugin);
    if (b->m->site_count && !manifest_find_service(b->m, LB_KIND_HTTP))
        each(state, "http_rest");
}

size_t bundle_projects(const manifest *m, buf *out)
{
    size_t count = 0;
    const char *seen[MOST_NAMES];
    buf_putc(out, '[');
    for (size_t i = 0; i < m->target_count; i++) {
        const manifest_target *t = &m->targets[i];
        size_t k = 0;
        if (t->pattern && strpbrk(t->project, "*?"))
            return 0;
        while (k < count && strcmp(seen[k], t->project) != 0)
            k++;
        if (k < count)
            continue;
        if (count == LB_COUNT(seen))
            return 0;
        seen[count++] = t->project;
        json_comma(out);
        json_string(out, t->project);
    }
    buf_putc(out, ']');
    return count;
}

int bundle_check(const bundle *b, lb_error *err)
{
    const manifest_service *transport = manifest_find_service(b->m, LB_KIND_TRANSPORT);
    if (!transport || strcmp(transport->plugin, "transport_lakebase") != 0)
        return lb_fail(err, LB_ERR_INVALID,
                       "jobs of a workspace need transport_lakebase; etc/workspace.toml is an example",
                       "the manifest's transport is %s", transport ? transport->plugin : "not there");
    for (size_t i = 0; i < transport->params.count; i++) {
        const char *name = transport->params.items[i].name;
        if (strcmp(name, "profile") == 0 || strcmp(name, "config_file") == 0)
            return lb_fail(err, LB_ERR_INVALID,
                           "leave it out: the bundle's jobs take client_id and client_secret from the "
                           "secret scope",
                           "[services.transport] %s names a file that the compute of a job does not have", name);
    }
    if (!b->m->target_count)
        return lb_fail(err, LB_ERR_INVALID, "write [[targets]]", "the manifest looks after no branch");
    for (size_t i = 0; i < jobs_count(b->jobs); i++)
        for (char *const *tool = jobs_at(b->jobs, i)->tools; *tool; tool++)
            if (!registry_find(b->r, LB_KIND_TOOL, *tool))
                return lb_fail(err, LB_ERR_NOT_FOUND, "install its plugin, or write a job of that name without it",
                               "the job %s needs the tool %.80s, which is not here", jobs_at(b->jobs, i)->name, *tool);
    return 0;
}
