#include "environment.h"

static const char *const passed[] = {
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "LD_LIBRARY_PATH",
    "LBOPS_SELF", /* of an archive that carries its own loader */
    /* for our own tests */
    "ASAN_OPTIONS",
    "LSAN_OPTIONS",
    "UBSAN_OPTIONS",
    "LLVM_PROFILE_FILE",
    "GCOV_PREFIX",
};

char **environment_clean(arena *memory)
{
    char **environment = arena_alloc(memory, (LB_COUNT(passed) + 1) * sizeof *environment);
    size_t count = 0;
    for (size_t i = 0; environment && i < LB_COUNT(passed); i++) {
        const char *value = getenv(passed[i]);
        if (!value)
            continue;
        environment[count] = arena_printf(memory, "%s=%s", passed[i], value);
        if (!environment[count++])
            return NULL;
    }
    return environment;
}

static bool has_arg(const param_arg *args, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(args[i].name, name) == 0)
            return true;
    return false;
}

const param_arg *environment_args(arena *memory, param_rows rows, const param_arg *given, size_t *count)
{
    size_t row_count = params_count(rows), used = *count;
    param_arg *args = arena_alloc(memory, (used + row_count + 1) * sizeof *args);
    for (size_t i = 0; args && i < used; i++)
        args[i] = given[i];
    for (size_t i = 0; args && i < row_count; i++) {
        const lb_param row = params_at(rows, i);
        const char *value = row.env ? getenv(row.env) : NULL;
        if (!value || !*value || has_arg(given, *count, row.name))
            continue;
        args[used] = (param_arg){.name = row.name, .text = arena_strdup(memory, value)};
        if (!args[used++].text)
            return NULL;
    }
    *count = args ? used : *count;
    return args;
}
