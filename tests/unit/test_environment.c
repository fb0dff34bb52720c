/* What a service gets from our environment, which its process does not see. */
#include "suite.h"

#include "environment.h"
#include "spec.h"

extern const lb_plugin lb_plugin_v1_transport_lakebase;

static lb_error err;

static const char *find(const param_arg *args, size_t count, const char *name)
{
    const char *text = NULL;
    for (size_t i = 0; i < count; i++)
        if (strcmp(args[i].name, name) == 0) {
            CU_ASSERT(!text); /* once */
            text = args[i].text;
        }
    return text;
}

/* As the supervisor knows the plugin: by its description, written and read again. */
static plugin_spec *described(void)
{
    buf b = BUF_INIT(SPEC_JSON_MAX);
    spec_write(&b, &lb_plugin_v1_transport_lakebase, "/p/transport_lakebase.so");
    plugin_spec *spec = spec_read(buf_text(&b), b.length, &err);
    buf_done(&b);
    CU_ASSERT_FATAL(spec != NULL);
    return spec;
}

static void adds_what_the_manifest_leaves(void)
{
    static const param_arg given[] = {{"host", "https://given"}, {"role", "dba"}};
    arena memory;
    arena_init(&memory, 1 << 20);
    plugin_spec *spec = described();
    CU_ASSERT(setenv("DATABRICKS_HOST", "https://environment", 1) == 0);
    CU_ASSERT(setenv("DATABRICKS_CLIENT_SECRET", "s", 1) == 0 && setenv("DATABRICKS_TOKEN", "", 1) == 0);
    CU_ASSERT(unsetenv("DATABRICKS_CLIENT_ID") == 0);
    size_t count = LB_COUNT(given);
    const param_arg *args = environment_args(&memory, spec_params(spec), given, &count);
    CU_ASSERT_FATAL(args != NULL);
    ASSERT_TEXT(find(args, count, "host"), "https://given"); /* the manifest comes first */
    ASSERT_TEXT(find(args, count, "role"), "dba");
    ASSERT_TEXT(find(args, count, "client_secret"), "s");
    CU_ASSERT(!find(args, count, "token") && !find(args, count, "client_id") && !find(args, count, "database"));
    CU_ASSERT(count == 3);
    arena_done(&memory);
    arena_init(&memory, 16);
    count = 0;
    CU_ASSERT(!environment_args(&memory, spec_params(spec), NULL, &count)); /* the arena is full */
    arena_done(&memory);
    CU_ASSERT(!spec_free(spec));
}

static void keeps_secrets_from_children(void)
{
    arena memory;
    arena_init(&memory, 1 << 16);
    CU_ASSERT(setenv("DATABRICKS_CLIENT_SECRET", "s", 1) == 0);
    char **environment = environment_clean(&memory);
    CU_ASSERT_FATAL(environment != NULL);
    for (; *environment; environment++)
        CU_ASSERT(!strstr(*environment, "DATABRICKS"));
    arena_done(&memory);
}

SUITE(environment, TEST(adds_what_the_manifest_leaves), TEST(keeps_secrets_from_children))
