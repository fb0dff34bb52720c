/* registry_place.h: a private directory for one registry test: plugin directories, a cache, and a real probe that
 * counts how often it is started. */
#ifndef LBOPS_TESTS_REGISTRY_PLACE_H
#define LBOPS_TESTS_REGISTRY_PLACE_H

#include "unit/suite.h"

#include "fs.h"
#include "registry.h"

#include <ftw.h>
#include <sys/stat.h>

typedef struct place {
    char root[40], cache[80], starts[80], script[80];
    char directories[2][80];
    const char *directory_list[2];
    registry_options options;
} place;

static void write_text(const char *path, const char *text, unsigned mode)
{
    lb_error err;
    CU_ASSERT_EQUAL_FATAL(fs_write_durable(path, text, strlen(text), mode, &err), 0);
}

/* Directories a and b, a cache file, and a probe that counts how often it is started. */
static void place_init(place *p)
{
    *p = (place){.root = "/tmp/lbops-registry-XXXXXX"};
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(p->root));
    (void)snprintf(p->cache, sizeof p->cache, "%s/state/plugins.json", p->root); /* short enough, as all below */
    (void)snprintf(p->starts, sizeof p->starts, "%s/starts", p->root);
    (void)snprintf(p->script, sizeof p->script, "%s/probe", p->root);
    for (int i = 0; i < 2; i++) {
        char root[sizeof p->root]; /* gcc sees an overlap where there is none */
        memcpy(root, p->root, sizeof root);
        (void)snprintf(p->directories[i], sizeof p->directories[i], "%s/%c", root, "ab"[i]);
        CU_ASSERT_EQUAL_FATAL(mkdir(p->directories[i], 0700), 0);
        p->directory_list[i] = p->directories[i];
    }
    char script[300];
    (void)snprintf(script, sizeof script, "#!/bin/sh\necho start >>'%s'\nexec '%s' \"$@\"\n", p->starts, LBOPS_PROBE);
    write_text(p->script, script, 0700);
    p->options = (registry_options){.program = p->script,
                                    .directories = p->directory_list,
                                    .directory_count = 1,
                                    .cache_path = p->cache,
                                    .timeout_ms = 20000};
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *position)
{
    (void)st;       /* everything goes, whatever it is */
    (void)kind;     /* as above */
    (void)position; /* as above */
    return remove(path);
}

static void place_done(place *p)
{
    CU_ASSERT_EQUAL(nftw(p->root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static size_t probe_starts(const place *p)
{
    char *text;
    size_t length;
    lb_error err;
    if (fs_read(p->starts, 1 << 20, &text, &length, &err) < 0)
        return 0;
    free(text);
    return length / strlen("start\n");
}

static char *read_plugin(const char *name, size_t *ret_length)
{
    char path[400], *content = NULL;
    lb_error err;
    (void)snprintf(path, sizeof path, "%s/%s.so", LBOPS_FAULTS_DIR, name);
    CU_ASSERT_EQUAL_FATAL(fs_read(path, 16 << 20, &content, ret_length, &err), 0);
    return content;
}

/* Puts the built plugin into directory a (0) or b (1). */
static void put(const place *p, int directory, const char *name)
{
    char path[200];
    size_t length;
    lb_error err;
    char *content = read_plugin(name, &length);
    (void)snprintf(path, sizeof path, "%s/%s.so", p->directories[directory], name);
    CU_ASSERT_EQUAL_FATAL(fs_write_durable(path, content, length, 0600, &err), 0);
    free(content);
}

LB_UNUSED static void put_text(const place *p, const char *file, const char *text)
{
    char path[200];
    (void)snprintf(path, sizeof path, "%s/%s", p->directories[0], file);
    write_text(path, text, 0600);
}

LB_UNUSED static registry *load(const place *p)
{
    registry *r = NULL;
    lb_error err = {0};
    int code = registry_load(&p->options, &r, &err);
    if (code < 0)
        printf("\n    %s (%s)\n", err.message, err.hint);
    CU_ASSERT_EQUAL_FATAL(code, 0);
    return r;
}

/* The refusal of NAME.so (or of a file by its whole name). */
static const lb_error *refusal_of(const registry *r, const char *name)
{
    for (size_t i = 0; i < registry_refusal_count(r); i++) {
        const registry_refusal *refusal = registry_refusal_at(r, i);
        const char *file = strrchr(refusal->path, '/') + 1;
        size_t length = strlen(name);
        if (strncmp(file, name, length) == 0 && strcmp(file + length, ".so") == 0)
            return &refusal->error;
    }
    return NULL;
}

#endif
