/* sqlc_run.h: runs lbops-sqlc, as the build does, on trees that a test makes. LBOPS_SQLC names the program,
 * LBOPS_INCLUDE the SDK's headers and LBOPS_CC a C compiler; each as a definition or in the environment. */
#ifndef LBOPS_TESTS_SQLC_RUN_H
#define LBOPS_TESTS_SQLC_RUN_H

#include "fs.h"
#include "json.h"
#include "scratch.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#ifndef LBOPS_SQLC
#define LBOPS_SQLC "lbops-sqlc"
#endif
#ifndef LBOPS_INCLUDE
#define LBOPS_INCLUDE "sdk/include"
#endif
#ifndef LBOPS_CC
#define LBOPS_CC "cc"
#endif

extern char **environ;

static inline const char *setting(const char *name, const char *fallback)
{
    const char *value = getenv(name);
    return value && *value ? value : fallback;
}

typedef struct outcome {
    int status; /* -1: killed */
    char *out, *err;
} outcome;

static inline void outcome_done(outcome *o)
{
    free(o->out);
    free(o->err);
}

#define OUTCOME LB_CLEANUP(outcome_done) outcome

static inline char *read_whole(const char *path)
{
    lb_error err;
    char *text = NULL;
    size_t length;
    CU_ASSERT_EQUAL_FATAL(fs_read(path, (size_t)1 << 20, &text, &length, &err), 0);
    return text;
}

static inline outcome run(const char *scratch, const char *const *argv)
{
    LB_AUTO_FREE char *out = base_printf("%s/stdout", scratch), *err = base_printf("%s/stderr", scratch);
    posix_spawn_file_actions_t files;
    pid_t pid = 0;
    int status = 0;
    CU_ASSERT_EQUAL_FATAL(posix_spawn_file_actions_init(&files), 0);
    (void)posix_spawn_file_actions_addopen(&files, 1, out, O_WRONLY | O_CREAT | O_TRUNC,
                                           0600); /* a failure shows in the spawn */
    (void)posix_spawn_file_actions_addopen(&files, 2, err, O_WRONLY | O_CREAT | O_TRUNC, 0600); /* as above */
    char *copy[16] = {NULL};
    for (size_t i = 0; argv[i] && i + 1 < LB_COUNT(copy); i++)
        copy[i] = base_strdup(argv[i]);
    CU_ASSERT_EQUAL_FATAL(posix_spawnp(&pid, copy[0], &files, NULL, copy, environ), 0);
    CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
    for (size_t i = 0; copy[i]; i++)
        free(copy[i]);
    (void)posix_spawn_file_actions_destroy(&files); /* cannot fail here */
    return (outcome){
        .status = WIFEXITED(status) ? WEXITSTATUS(status) : -1, .out = read_whole(out), .err = read_whole(err)};
}

#define RUN(scratch, ...) run(scratch, (const char *const[]){setting("LBOPS_SQLC", LBOPS_SQLC), __VA_ARGS__, NULL})

static inline void put_file(const char *scratch, const char *name, const char *text)
{
    lb_error err;
    LB_AUTO_FREE char *path = base_printf("%s/sql/%s", scratch, name), *folder = base_strdup(path);
    *strrchr(folder, '/') = '\0';
    CU_ASSERT_EQUAL_FATAL(fs_make_dirs(folder, &err), 0);
    CU_ASSERT_EQUAL_FATAL(fs_write_durable(path, text, strlen(text), 0600, &err), 0);
}

static inline outcome check(const char *scratch)
{
    LB_AUTO_FREE char *root = base_printf("%s/sql", scratch);
    return RUN(scratch, "--root", root, "--check");
}

#define READ   "-- summary: s\n-- kind: read\n-- server: 15-18\n"
#define CHANGE "-- summary: s\n-- kind: change\n-- server: 15-18\n"
#define RESTS  "-- summary: s\n-- kind: rest\n-- server: 15-18\n"
#define PIECE  "-- summary: s\n-- kind: fragment\n"
#define ASKS   "-- summary: s\n-- kind: history\n"

#endif
