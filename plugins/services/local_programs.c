/* Where Postgres' programs are: where the manifest says, on the PATH, where Debian puts them, in the private prefix
 * that scripts/setup makes. */
#include "local.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>

static bool has_program(const char *folder, const char *name)
{
    LB_AUTO_FREE char *path = base_printf("%s/%s", folder, name);
    return access(path, X_OK) == 0;
}

static bool is_complete(const char *folder)
{
    return has_program(folder, "postgres") && has_program(folder, "initdb") && has_program(folder, "pg_basebackup");
}

/* "postgres (PostgreSQL) 17.2 (Debian ...)", asked of the program itself. 0: it does not say. */
static int64_t ask_version(const char *folder)
{
    int ends[2];
    char text[200] = "";
    LB_AUTO_FREE char *program = base_printf("%s/postgres", folder);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return 0;
    pid_t pid = fork();
    if (pid == 0) {
        if (dup2(ends[1], STDOUT_FILENO) >= 0)
            (void)execl(program, program, "--version", (char *)NULL); /* returns on failure alone */
        _exit(127);
    }
    (void)close(ends[1]); /* the child's */
    ssize_t n = pid > 0 ? read(ends[0], text, sizeof text - 1) : 0;
    (void)close(ends[0]); /* was only read */
    if (pid > 0)
        (void)waitpid(pid, NULL, 0); /* its words say enough */
    const char *number = n > 0 ? strstr(text, ") ") : NULL;
    return number ? strtoll(number + 2, NULL, 10) : 0;
}

typedef struct search {
    int64_t wanted, version; /* wanted 0: the newest */
    char *folder;
} search;

/* Takes the folder over. The first place that has a version wins, so look at the better ones first. */
static void offer(search *s, char *folder, int64_t version)
{
    if (is_complete(folder) && !version)
        version = ask_version(folder);
    bool better = is_complete(folder) && (s->wanted ? version == s->wanted && !s->folder : version > s->version);
    if (!better) {
        free(folder);
        return;
    }
    free(s->folder);
    s->folder = folder;
    s->version = version;
}

static void look_on_path(search *s)
{
    LB_AUTO_FREE char *path = base_strdup(getenv("PATH"));
    char *rest = path;
    for (char *folder; rest && (folder = strsep(&rest, ":"));)
        if (*folder == '/')
            offer(s, base_strdup(folder), 0);
}

/* Folders NN or pgNN in a place, with their programs below. */
static void look_in(search *s, const char *place, const char *prefix)
{
    DIR *dir = opendir(place);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        size_t length = strlen(prefix);
        char *end = NULL;
        if (strncmp(entry->d_name, prefix, length) != 0)
            continue;
        int64_t version = strtoll(entry->d_name + length, &end, 10);
        if (version > 0 && !*end)
            offer(s, base_printf("%s/%s/bin", place, entry->d_name), version);
    }
    if (dir)
        (void)closedir(dir); /* was only read */
}

static void look_in_prefix(search *s)
{
    const char *named = getenv("LBOPS_DEPS"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    LB_AUTO_FREE char *own = cache && *cache ? base_printf("%s/lbops/deps", cache)
                             : home          ? base_printf("%s/.cache/lbops/deps", home)
                                             : NULL;
    const char *const places[] = {named && *named ? named : NULL, "/var/cache/lbops/deps", own};
    for (size_t i = 0; i < LB_COUNT(places); i++) {
        LB_AUTO_FREE char *extra = base_printf("%s/extra", places[i] ? places[i] : "");
        if (places[i])
            look_in(s, places[i], "pg");
        if (places[i] && s->wanted) /* what was fetched besides is for who names it, and nobody's newest */
            look_in(s, extra, "pg");
    }
}

int local_find_programs(const local_cluster *c, int64_t version, char **ret_folder, int64_t *ret_version, lb_error *err)
{
    search s = {.wanted = version};
    if (c->programs) {
        offer(&s, base_strdup(c->programs), 0);
    } else {
        look_on_path(&s);
        look_in(&s, "/usr/lib/postgresql", "");
        look_in_prefix(&s);
    }
    if (!s.folder && c->programs && !is_complete(c->programs))
        return lb_fail(err, LB_ERR_NOT_FOUND, "name the folder that has them, such as /usr/lib/postgresql/17/bin",
                       "%s does not hold postgres, initdb and pg_basebackup", c->programs);
    if (!s.folder && version)
        return lb_fail(err, LB_ERR_NOT_FOUND,
                       "install it, or name its folder with `programs` under [services.transport]",
                       "there is no PostgreSQL %lld on this machine", (long long)version);
    if (!s.folder)
        return lb_fail(err, LB_ERR_NOT_FOUND,
                       "install one (postgresql), or name the folder of its programs with `programs` under "
                       "[services.transport]",
                       "there is no PostgreSQL on this machine");
    if (s.version < 15) {
        int64_t found = s.version;
        free(s.folder);
        return lb_fail(err, LB_ERR_UNSUPPORTED, "install 15 or a newer one", "PostgreSQL %lld is too old",
                       (long long)found);
    }
    *ret_folder = s.folder;
    *ret_version = s.version;
    return 0;
}
