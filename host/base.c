#include "base.h"

#include <err.h>

void *base_alloc(size_t bytes)
{
    void *memory = calloc(1, bytes ? bytes : 1);
    if (!memory)
        err(5, "out of memory");
    return memory;
}

void *base_grow(void *memory, size_t bytes)
{
    void *grown = realloc(memory, bytes ? bytes : 1);
    if (!grown)
        err(5, "out of memory");
    return grown;
}

char *base_strdup(const char *text)
{
    if (!text)
        return NULL;
    size_t bytes = strlen(text) + 1;
    return memcpy(base_alloc(bytes), text, bytes);
}

char *base_printf(const char *fmt, ...)
{
    va_list args;
    char *text = NULL;
    va_start(args, fmt);
    int length = vasprintf(&text, fmt, args);
    va_end(args);
    if (length < 0)
        err(5, "out of memory");
    return text;
}

static const struct {
    const char *name;
    int code, exit_code;
} codes[] = {
    {"ok", 0, 0},
    {"invalid", LB_ERR_INVALID, 2},
    {"not_found", LB_ERR_NOT_FOUND, 1},
    {"denied", LB_ERR_DENIED, 1},
    {"unreachable", LB_ERR_UNREACHABLE, 4},
    {"timeout", LB_ERR_TIMEOUT, 1},
    {"cancelled", LB_ERR_CANCELLED, 1},
    {"conflict", LB_ERR_CONFLICT, 1},
    {"limit", LB_ERR_LIMIT, 1},
    {"unsupported", LB_ERR_UNSUPPORTED, 1},
    {"no_memory", LB_ERR_NO_MEMORY, 1},
    {"io", LB_ERR_IO, 1},
    {"sql", LB_ERR_SQL, 1},
    {"approval_required", LB_ERR_APPROVAL, 3},
    {"suspended", LB_ERR_SUSPENDED, 1},
    {"tool", LB_ERR_TOOL, 1},
    {"internal", LB_ERR_INTERNAL, 5},
};

const char *error_name(int code)
{
    for (size_t i = 0; i < LB_COUNT(codes); i++)
        if (codes[i].code == code)
            return codes[i].name;
    return "unknown";
}

int error_exit_code(int code)
{
    for (size_t i = 0; i < LB_COUNT(codes); i++)
        if (codes[i].code == code)
            return codes[i].exit_code;
    return 5;
}
