#include "environment.h"

static const char *const passed[] = {
    "PATH",          "HOME",
    "USER",          "LANG",
    "LC_ALL",        "TZ",
    "TMPDIR",        "SSL_CERT_FILE",
    "SSL_CERT_DIR",  "LD_LIBRARY_PATH",
    "ASAN_OPTIONS",  "LSAN_OPTIONS",
    "UBSAN_OPTIONS", "LLVM_PROFILE_FILE",
    "GCOV_PREFIX", /* for our own tests */
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
