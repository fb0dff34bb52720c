/* approval_local: people decide at the command line, which talks to the host itself, so no decision ever comes from
 * here.
 *
 * Each pending approval is a file STATE_DIR/approvals/ID.json of mode 0600, so that other programs of the same user can
 * show it: {"id", "revision", "approval": the document}. The file goes when the approval is settled. */
#include "service_ground.h"

#include <lbops/approval.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct settings {
    const char *folder;
};

static const lb_param params[] = {
    LB_PARAM(struct settings, folder, LB_TEXT, "approvals",
             "where pending approvals are shown: a name in the state directory, or a path"),
    LB_PARAMS_END,
};

typedef struct channel {
    const lb_service_host *host;
    char *folder;
} channel;

static void close_channel(void *state)
{
    channel *c = state;
    free(c->folder);
    free(c);
}

/* A folder that is there already is closed to others as well: statements and evidence lie in it. */
static int make_folder(const char *folder, lb_error *err)
{
    struct stat st;
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return service_fail_file(err, errno, "create the folder", folder);
    if (stat(folder, &st) != 0)
        return service_fail_file(err, errno, "look at", folder);
    if (!S_ISDIR(st.st_mode))
        return service_fail_file(err, ENOTDIR, "use as a folder", folder);
    if ((st.st_mode & 077) && chmod(folder, 0700) != 0)
        return service_fail_file(err, errno, "close to others", folder);
    return 0;
}

static int open_channel(const lb_service_host *host, const void *args, const char *state_dir, int64_t deadline,
                        void **ret_state, lb_error *err)
{
    const struct settings *settings = args;
    (void)deadline; /* nothing waits here */
    channel *c = calloc(1, sizeof *c);
    if (!c)
        return lb_out_of_memory(err);
    c->host = host;
    c->folder =
        *settings->folder == '/' ? strdup(settings->folder) : service_text("%s/%s", state_dir, settings->folder);
    int r = c->folder ? make_folder(c->folder, err) : lb_out_of_memory(err);
    if (r < 0)
        close_channel(c);
    else
        *ret_state = c;
    return r;
}

/* ---- publishing ---- */

/* Of the file that is there; 0: none, or none of ours. */
static int64_t published_revision(const char *path)
{
    char head[256], *end;
    FILE *file = fopen(path, "re");
    size_t length = file ? fread(head, 1, sizeof head - 1, file) : 0;
    if (file)
        (void)fclose(file); /* it was read only */
    head[length] = '\0';
    const char *at = strstr(head, "\",\"revision\":");
    int64_t revision = at ? strtoll(at + strlen("\",\"revision\":"), &end, 10) : 0;
    return at && *end == ',' ? revision : 0;
}

static int write_file(const char *path, const char *text, lb_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return service_fail_file(err, errno, "write", path);
    int r = service_write_all(fd, path, text, strlen(text), err);
    if (r == 0 && fsync(fd) != 0)
        r = service_fail_file(err, errno, "make durable", path);
    if (close(fd) != 0 && r == 0)
        r = service_fail_file(err, errno, "write", path);
    if (r < 0)
        (void)unlink(path); /* a torn one shows nothing to anybody: its name begins with a dot */
    return r;
}

static int replace_file(const channel *c, const char *id, const char *path, const char *text, lb_error *err)
{
    char *fresh = service_text("%s/.%s.new", c->folder, id);
    int r = fresh ? write_file(fresh, text, err) : lb_out_of_memory(err);
    if (r == 0 && rename(fresh, path) != 0)
        r = service_fail_file(err, errno, "put in place", path);
    free(fresh);
    return r < 0 ? r : service_sync_directory(c->folder, err);
}

static int publish(void *state, const char *id, int64_t revision, const char *document, int64_t deadline, lb_error *err)
{
    const channel *c = state;
    if (service_check_time(c->host, deadline, err) < 0 || service_check_approval(id, revision, document, NULL, err) < 0)
        return err->code;
    char *path = service_text("%s/%s.json", c->folder, id);
    char *text = service_text("{\"id\":\"%s\",\"revision\":%lld,\"approval\":%s}\n", id, (long long)revision, document);
    int r = 0;
    if (!path || !text)
        r = lb_out_of_memory(err);
    else if (published_revision(path) < revision)
        r = replace_file(c, id, path, text, err);
    free(path);
    free(text);
    return r;
}

static int settle(void *state, const char *id, const char *outcome, int64_t deadline, lb_error *err)
{
    const channel *c = state;
    if (service_check_time(c->host, deadline, err) < 0 || service_check_settling(id, outcome, err) < 0)
        return err->code;
    char *path = service_text("%s/%s.json", c->folder, id);
    int r = 0;
    if (!path)
        r = lb_out_of_memory(err);
    else if (unlink(path) != 0)
        r = errno == ENOENT ? 0 : service_fail_file(err, errno, "remove", path);
    else
        r = service_sync_directory(c->folder, err);
    free(path);
    return r;
}

/* ---- collecting ---- */

static int collect(void *state, int64_t deadline, int (*take)(void *arg, const lb_decision *decision, lb_error *err),
                   void *arg, lb_error *err)
{
    const channel *c = state;
    (void)take;
    (void)arg; /* there is nothing to hand over */
    service_rest_until(c->host, deadline);
    return c->host->cancelled() ? lb_fail(err, LB_ERR_CANCELLED, NULL, "cancelled") : 0;
}

LB_APPROVAL(approval_local, "people decide at the command line; what is pending lies in a folder", .params = params,
            .param_size = sizeof(lb_param), .args_size = sizeof(struct settings), .open = open_channel,
            .close = close_channel, .publish = publish, .settle = settle, .collect = collect);
