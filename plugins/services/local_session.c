/* Sessions on the servers of our own cluster. A process that has used a branch holds its claim until it ends, so that
 * the server stays up as long as its host does; a compute goes to sleep by its own timeout. */
#include "local_session.h"

#include "clock.h"
#include "fs.h"

#include <dlfcn.h>
#include <errno.h>
#include <pwd.h>
#include <sys/stat.h>

typedef struct claim {
    struct claim *next;
    char *directory;
    int fd;
    int server_dir; /* a way to the socket whose name is short */
} claim;

struct local_claims {
    local_cluster cluster;
    pg_options options;
    claim *first;
};

/* ---- opening ---- */

/* Beside the plugins' folder, in a build as in an installation. */
static char *default_keeper(void)
{
    Dl_info info;
    static const int here; /* something whose place is in this object */
    LB_AUTO_FREE char *path = dladdr(&here, &info) && info.dli_fname ? realpath(info.dli_fname, NULL) : NULL;
    for (int i = 0; path && i < 2; i++) {
        char *slash = strrchr(path, '/');
        if (slash)
            *slash = '\0';
    }
    return base_printf("%s/lbops-keeper", path ? path : ".");
}

static int find_user(const local_settings *settings, local_cluster *c, lb_error *err)
{
    static const char *const usual[] = {"postgres", "nobody"};
    const struct passwd *entry = NULL;
    c->uid = geteuid();
    c->gid = getegid();
    if (geteuid() != 0)
        return 0;
    if (settings->server_user)
        entry = getpwnam(settings->server_user);
    for (size_t i = 0; !settings->server_user && !entry && i < LB_COUNT(usual); i++)
        entry = getpwnam(usual[i]);
    if (!entry || entry->pw_uid == 0)
        return lb_fail(err, LB_ERR_INVALID, "name a user who is not root with `server_user`",
                       "a server does not run as root, and %s is no user to run it as",
                       settings->server_user ? settings->server_user : "neither postgres nor nobody");
    c->uid = entry->pw_uid;
    c->gid = entry->pw_gid;
    return 0;
}

static int find_directory(const lb_service_host *host, const local_settings *settings, char **ret_path, lb_error *err)
{
    const char *state_dir = LB_HAS(host, lb_service_host, state_dir) ? host->state_dir : NULL;
    LB_AUTO_FREE char *wanted = settings->directory ? base_strdup(settings->directory)
                                : state_dir         ? base_printf("%s/local", state_dir)
                                                    : NULL;
    struct stat st;
    if (!wanted)
        return lb_fail(err, LB_ERR_INVALID,
                       "give dsn, the connection string of a server, or directory, where servers of "
                       "our own may live",
                       "transport_local knows no server");
    int r = fs_make_dirs(wanted, err);
    if (r < 0)
        return r;
    char *path = realpath(wanted, NULL);
    if (!path)
        return fs_fail(err, errno, "look at", wanted);
    if (stat(path, &st) != 0 || st.st_uid != geteuid() || (st.st_mode & 077)) {
        r = lb_fail(err, LB_ERR_DENIED, "let it be ours, with mode 0700: local servers ask for no password",
                    "others can enter %s", path);
        free(path);
        return r;
    }
    *ret_path = path;
    return 0;
}

static char **copy_projects(const lb_texts *projects, lb_error *err)
{
    char **copy = base_alloc((projects->count + 1) * sizeof *copy);
    for (size_t i = 0; i < projects->count; i++) {
        copy[i] = base_strdup(projects->items[i]);
        if (local_is_id(copy[i]))
            continue;
        (void)lb_fail(err, LB_ERR_INVALID, "small letters, digits and hyphens, a letter first",
                      "%s cannot be a project's name", copy[i]); /* the NULL says it */
        local_free_ids(copy, i + 1);
        return NULL;
    }
    return copy;
}

int local_claims_new(const lb_service_host *host, const local_settings *settings, const pg_options *options,
                     local_claims **ret_claims, lb_error *err)
{
    local_claims *claims = base_alloc(sizeof *claims);
    local_cluster *c = &claims->cluster;
    claims->options = *options;
    c->host = host;
    c->keeper = settings->keeper ? base_strdup(settings->keeper) : default_keeper();
    c->programs = settings->programs ? base_strdup(settings->programs) : NULL;
    c->version = settings->version;
    c->linger_s = settings->linger_s;
    c->shortest_suspend_s = settings->shortest_suspend_s;
    c->archive_after_s = settings->archive_after_s;
    int r = find_directory(host, settings, &c->path, err);
    if (r >= 0)
        r = find_user(settings, c, err);
    if (r >= 0 && !(c->projects = copy_projects(&settings->projects, err)))
        r = err->code;
    if (r < 0) {
        local_claims_free(claims);
        return r;
    }
    local_empty_trash(c);
    *ret_claims = claims;
    return 0;
}

static void free_claim(claim *held)
{
    base_close(&held->fd);
    base_close(&held->server_dir);
    free(held->directory);
    free(held);
}

local_claims *local_claims_free(local_claims *claims)
{
    if (!claims)
        return NULL;
    for (claim *next; claims->first; claims->first = next) {
        next = claims->first->next;
        free_claim(claims->first);
    }
    for (char **name = claims->cluster.projects; name && *name; name++)
        free(*name);
    free(claims->cluster.projects);
    free(claims->cluster.path);
    free(claims->cluster.keeper);
    free(claims->cluster.programs);
    free(claims);
    return NULL;
}

const local_cluster *local_claims_cluster(const local_claims *claims)
{
    return &claims->cluster;
}

/* ---- claims ---- */

static claim *find_claim(local_claims *claims, const char *directory)
{
    for (claim **link = &claims->first; *link;) {
        claim *c = *link;
        if (local_claim_holds(c->fd)) {
            if (strcmp(c->directory, directory) == 0)
                return c;
            link = &c->next;
            continue;
        }
        *link = c->next;
        free_claim(c);
    }
    return NULL;
}

static void drop_claim(local_claims *claims, const char *directory)
{
    for (claim **link = &claims->first; *link; link = &(*link)->next) {
        claim *c = *link;
        if (strcmp(c->directory, directory) != 0)
            continue;
        *link = c->next;
        free_claim(c);
        return;
    }
}

static int get_claim(local_claims *claims, const char *project, const char *directory, bool wakes, int64_t deadline,
                     claim **ret_claim, lb_error *err)
{
    claim *c = find_claim(claims, directory);
    if (!c) {
        LB_AUTO_FREE char *path = local_branch_path(&claims->cluster, project, directory, "server");
        int fd = local_claim(&claims->cluster, project, directory, wakes ? "wake" : "use", deadline, err);
        if (fd < 0)
            return fd;
        int dir = local_dir_open(path, err);
        if (dir < 0) {
            (void)close(fd); /* gives the claim back */
            return dir;
        }
        c = base_alloc(sizeof *c);
        *c = (claim){.next = claims->first, .directory = base_strdup(directory), .fd = fd, .server_dir = dir};
        claims->first = c;
    }
    *ret_claim = c;
    return 0;
}

/* ---- connecting ---- */

static bool may_wake(const local_cluster *c)
{
    return LB_HAS(c->host, lb_service_host, may_wake) && c->host->may_wake && c->host->may_wake();
}

/* A claim from before a compute went to sleep is none on the server that comes when it is woken. */
static int find_branch(local_claims *claims, const lb_target *target, char **ret_directory, lb_error *err)
{
    LOCAL_PROJECT p = {.lock = -1};
    int r = local_is_id(target->project) ? local_look(&claims->cluster, target->project, &p, err) : 0;
    if (r < 0)
        return r;
    doc *entry = p.d && !doc_text(p.d, "removal") ? local_branch(&p, target->branch) : NULL;
    if (!p.d)
        return lb_fail(err, LB_ERR_NOT_FOUND, "lbops target ls lists them", "there is no project %s", target->project);
    if (!entry || doc_is(entry, "branch.status.current_state", "DELETED") ||
        doc_is(entry, "branch.status.pending_state", "DELETED"))
        return lb_fail(err, LB_ERR_NOT_FOUND, "lbops target ls lists them", "there is no branch %s in %s",
                       target->branch, target->project);
    bool sleeps = doc_is(local_primary(entry), "status.current_state", "IDLE");
    if (doc_flag(local_primary(entry), "status.disabled"))
        return lb_fail(err, LB_ERR_SUSPENDED, "enable the endpoint (PATCH spec.disabled)",
                       "the compute of %s/%s is disabled", target->project, target->branch);
    if (sleeps && !may_wake(&claims->cluster))
        return lb_fail(err, LB_ERR_SUSPENDED, "wake = true in the target's entry of the manifest lets us wake it",
                       "the compute of %s/%s is suspended", target->project, target->branch);
    const char *found = doc_text(entry, "directory");
    if (!found)
        return lb_fail(err, LB_ERR_IO, "restore the file from a copy, or delete the project",
                       "projects/%s.json is damaged", target->project);
    if (sleeps)
        drop_claim(claims, found);
    if (sleeps && LB_HAS(claims->cluster.host, lb_service_host, woke) && claims->cluster.host->woke)
        claims->cluster.host->woke(local_seconds(doc_text(local_primary(entry), "status.suspend_timeout_duration")));
    *ret_directory = base_printf("%s", found);
    return 0;
}

/* A value of libpq's keyword form. */
static char *quote_value(const char *text)
{
    char *quoted = base_alloc(2 * strlen(text) + 3), *p = quoted;
    *p++ = '\'';
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            *p++ = '\\';
        *p++ = *text;
    }
    *p = '\'';
    return quoted;
}

static int open_session(const local_claims *claims, const lb_target *target, const claim *held, const char *application,
                        int64_t deadline, pg_session **ret_session, lb_error *err)
{
    LB_AUTO_FREE char *path = local_branch_path(&claims->cluster, target->project, held->directory, "server");
    LB_AUTO_FREE char *host =
        local_way_is_long(path) ? base_printf("'/proc/self/fd/%d'", held->server_dir) : quote_value(path);
    LB_AUTO_FREE char *conninfo =
        base_printf("host=%s port=%s user=%s dbname=%s", host, LOCAL_PORT, LOCAL_SUPERUSER, LOCAL_DATABASE);
    pg_options options = claims->options;
    options.conninfo = conninfo;
    options.proof_setting = "cluster_name"; /* the keeper starts each server with its branch's own */
    options.proof_value = held->directory;
    return pg_session_open(claims->cluster.host, &options, application, deadline, ret_session, err);
}

/* A server that died is being started again: its keeper answers a new claim when it is up. One that takes a connection
 * and says nothing is another matter: nobody waits for it twice. */
static int connect_held(local_claims *claims, const lb_target *target, const char *directory, const char *application,
                        int64_t deadline, pg_session **ret_session, lb_error *err)
{
    const local_cluster *c = &claims->cluster;
    claim *held = NULL;
    for (int tries = 0;; tries++) {
        int64_t began = c->host->now();
        int r = get_claim(claims, target->project, directory, may_wake(c), deadline, &held, err);
        if (r < 0)
            return lb_wrap(err, target->branch);
        r = open_session(claims, target, held, application, deadline, ret_session, err);
        if (r != LB_ERR_UNREACHABLE || tries > 0 || c->host->now() - began > CLOCK_SECOND)
            return r;
        drop_claim(claims, directory);
    }
}

int local_claims_connect(local_claims *claims, const lb_target *target, const char *application, int64_t deadline,
                         pg_session **ret_session, lb_error *err)
{
    char *directory = NULL;
    if (!target->project || !target->branch)
        return lb_fail(err, LB_ERR_INVALID, "name a project and a branch", "a session needs a branch");
    int r = local_ensure_projects(&claims->cluster, err);
    if (r >= 0)
        r = local_is_id(target->project) ? local_mend(&claims->cluster, target->project, err) : 0;
    if (r >= 0)
        r = find_branch(claims, target, &directory, err);
    if (r >= 0 && directory)
        r = connect_held(claims, target, directory, application, deadline, ret_session, err);
    free(directory);
    return r;
}
