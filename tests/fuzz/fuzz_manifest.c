/* fuzz_manifest: whatever the bytes, either a manifest whose promises hold, or at least one problem that says what and
 * where. */
#include "json.h"
#include "manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_problems(const manifest_problems *problems)
{
    const manifest_problem *earlier = NULL;
    require(problems->count <= MANIFEST_MOST_PROBLEMS + 1);
    for (size_t i = 0; i < problems->count; i++) {
        const manifest_problem *p = &problems->items[i];
        require(p->error.code < 0 && p->error.message[0] && p->place.line >= 0 && p->place.file);
        require(!earlier || earlier->place.line <= p->place.line);
        for (const char *c = p->error.message; *c; c++)
            require((unsigned char)*c >= 0x20 && *c != 0x7f);
        earlier = p;
    }
}

static void check_params(const manifest_params *params)
{
    for (size_t i = 0; i < params->count; i++) {
        require(params->items[i].name && !params->items[i].text != !params->items[i].secret);
        require(json_is_utf8(params->items[i].name, strlen(params->items[i].name)));
    }
}

static void check_manifest(const manifest *m)
{
    require(m->name && *m->name && m->state_dir[0] && m->timezone && m->plugin_dirs && m->plugin_dirs[0]);
    require(m->limits.workers >= 1 && m->limits.run_memory_mb + m->limits.result_mb < m->limits.worker_memory_mb);
    for (size_t i = 0; i < m->service_count; i++) {
        require(m->services[i].plugin && manifest_find_service(m, m->services[i].kind) == &m->services[i]);
        check_params(&m->services[i].params);
    }
    for (size_t i = 0; i < m->target_count; i++)
        require(m->targets[i].project && m->targets[i].branch);
    for (size_t i = 0; i < m->agent_count; i++) {
        for (size_t k = 0; k < m->agents[i].tool_count; k++) {
            const manifest_tool *tool = &m->agents[i].tools[k];
            require(manifest_find_tool(m, m->agents[i].name, tool->name, NULL) == tool);
            check_params(&tool->params);
        }
        for (char **name = m->agents[i].cycle; name && *name; name++)
            require(manifest_find_tool(m, m->agents[i].name, *name, NULL));
    }
    for (size_t i = 0; i < m->subscription_count; i++)
        require(m->subscriptions[i].event && manifest_find_tool(m, NULL, m->subscriptions[i].tool, NULL));
    for (size_t i = 0; i < m->rule_count; i++) {
        require(m->rules[i].decision >= MANIFEST_EXECUTE && m->rules[i].decision <= MANIFEST_REFUSE);
        require(m->rules[i].decision != MANIFEST_EXECUTE || (m->rules[i].loosen && m->rules[i].reason));
    }
    for (size_t i = 0; i < m->secret_count; i++)
        require(m->secrets[i].name && !m->secrets[i].env != !m->secrets[i].file);
    BUF_AUTO text = BUF_INIT(1 << 20);
    manifest_loosened(m, &text);
}

/* What could be understood of a broken one is held against plugins too, of which there are none here. */
static void check_partly(const char *text, size_t size)
{
    static registry *none;
    lb_error err;
    const registry_options options = {0};
    manifest_problems problems = {0};
    if (!none)
        require(registry_load(&options, &none, &err) >= 0);
    manifest *m = manifest_parse_partly(text, size, "fuzz.toml", &problems);
    if (m)
        manifest_check(m, none, &problems);
    check_problems(&problems);
    manifest_free(m);
    manifest_problems_done(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    manifest *m = NULL;
    manifest_problems problems = {0};
    int r = manifest_parse((const char *)data, size, "fuzz.toml", &m, &problems);
    require((r < 0) == manifest_has_errors(&problems) && (r < 0) == !m);
    check_problems(&problems);
    if (m)
        check_manifest(m);
    manifest_free(m);
    manifest_problems_done(&problems);
    check_partly((const char *)data, size);
    return 0;
}
