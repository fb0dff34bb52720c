#include "service_ground.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define SLICE_US INT64_C(50000) /* how long a wish to stop may go unseen */
#define ID_BYTES 128
#define DEPTH    256 /* the host's own documents have at most half of it */

/* ---- documents ---- */

struct json_object *service_json_object(const char *what, const char *text, lb_error *err)
{
    struct json_tokener *tokener = json_tokener_new_ex(DEPTH);
    size_t length = text ? strlen(text) : 0;
    struct json_object *object = NULL;
    if (tokener && length <= INT32_MAX - 1) {
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        object = json_tokener_parse_ex(tokener, text ? text : "", (int)length + 1); /* with the NUL: it ends there */
    }
    if (tokener)
        json_tokener_free(tokener);
    if (json_object_is_type(object, json_type_object))
        return object;
    (void)json_object_put(object); /* says whether it was the last one */
    (void)lb_fail(err, LB_ERR_INVALID, "send one JSON object", "%s is not a JSON object", what); /* fills it */
    return NULL;
}

/* ---- small things ---- */

char *service_text(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    int length = vasprintf(&text, fmt, args);
    va_end(args);
    return length < 0 ? NULL : text;
}

void service_log(const lb_service_host *host, lb_level level, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    host->vlog(level, fmt, args);
    va_end(args);
}

int service_check_time(const lb_service_host *host, int64_t deadline, lb_error *err)
{
    if (host->cancelled())
        return lb_fail(err, LB_ERR_CANCELLED, NULL, "cancelled");
    if (host->now() >= deadline)
        return lb_fail(err, LB_ERR_TIMEOUT, "give it more time", "there was no time left to begin");
    return 0;
}

void service_rest_until(const lb_service_host *host, int64_t moment)
{
    int64_t left;
    while (!host->cancelled() && (left = moment - host->now()) > 0)
        (void)poll(NULL, 0, (int)((left < SLICE_US ? left : SLICE_US) / 1000 + 1)); /* a signal makes it shorter */
}

int service_open(const service_opening *opening, size_t size,
                 int (*fill)(void *state, const service_opening *opening, lb_error *err), void (*close)(void *state),
                 void **ret_state, lb_error *err)
{
    void *state = calloc(1, size);
    if (!state)
        return lb_out_of_memory(err);
    int r = fill(state, opening, err);
    if (r < 0)
        close(state);
    else
        *ret_state = state;
    return r;
}

/* ---- files ---- */

int service_fail_file(lb_error *err, int number, const char *what, const char *path)
{
    bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
    int code = full                                    ? LB_ERR_LIMIT
               : number == EACCES || number == EPERM   ? LB_ERR_DENIED
               : number == ENOENT || number == ENOTDIR ? LB_ERR_NOT_FOUND
                                                       : LB_ERR_IO;
    return lb_fail(err, code, full ? "free space on that disk" : "check the path and its permissions",
                   "cannot %s %s: %s", what, path, strerror(number));
}

int service_write_all(int fd, const char *path, const char *bytes, size_t length, lb_error *err)
{
    while (length) {
        ssize_t n = write(fd, bytes, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return service_fail_file(err, errno, "write", path);
        bytes += n;
        length -= (size_t)n;
    }
    return 0;
}

int service_sync_directory(const char *path, lb_error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd >= 0 && fsync(fd) == 0 ? 0 : service_fail_file(err, errno, "make durable", path);
    if (fd >= 0)
        (void)close(fd); /* nothing was written through it */
    return r;
}

/* ---- approvals ---- */

static int check_id(const char *id, lb_error *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = id ? strnlen(id, ID_BYTES + 1) : 0;
    if (length >= 1 && length <= ID_BYTES && *id != '.' && id[strspn(id, letters)] == '\0')
        return 0;
    return lb_fail(err, LB_ERR_INVALID, "1 to 128 letters, digits, '.', '_' and '-', and no dot first",
                   "'%.40s' cannot be the id of an approval", id ? id : "");
}

static int hand_object(const char *what, const char *text, struct json_object **ret_object, lb_error *err)
{
    struct json_object *object = service_json_object(what, text, err);
    if (!object)
        return err->code;
    if (ret_object)
        *ret_object = object;
    else
        (void)json_object_put(object); /* says whether it was the last one */
    return 0;
}

int service_check_approval(const char *id, int64_t revision, const char *document, struct json_object **ret_object,
                           lb_error *err)
{
    if (check_id(id, err) < 0)
        return err->code;
    if (revision < 1)
        return lb_fail(err, LB_ERR_INVALID, "revisions begin at 1", "approval %s: revision %lld", id,
                       (long long)revision);
    return hand_object("the approval's document", document, ret_object, err);
}

int service_check_settling(const char *id, const char *outcome, lb_error *err)
{
    if (check_id(id, err) < 0)
        return err->code;
    if (!outcome || !*outcome || strnlen(outcome, 101) > 100)
        return lb_fail(err, LB_ERR_INVALID, "such as executed, denied, expired",
                       "approval %s: no outcome, or a long one", id);
    return 0;
}

/* ---- alerts ---- */

static bool is_one_of(const char *text, const char *const *choices)
{
    while (text && *choices && strcmp(text, *choices) != 0)
        choices++;
    return text && *choices;
}

int service_check_note(const lb_alert_note *note, struct json_object **ret_object, lb_error *err)
{
    static const char *const changes[] = {"opened",       "escalated", "reminded", "treated",
                                          "acknowledged", "resolved",  NULL};
    static const char *const severities[] = {"info", "warning", "critical", NULL};
    const char *id = note->id && *note->id ? note->id : NULL;
    if (note->size < sizeof *note)
        return lb_fail(err, LB_ERR_INVALID, "build the host with this SDK", "a note of %u bytes", (unsigned)note->size);
    if (!id || !note->key || !*note->key || !note->text)
        return lb_fail(err, LB_ERR_INVALID, "name all of them", "an alert without id, key or text");
    if (!is_one_of(note->change, changes) || !is_one_of(note->severity, severities))
        return lb_fail(err, LB_ERR_INVALID,
                       "opened, escalated, reminded, treated, acknowledged or resolved; info, warning or critical",
                       "alert %.80s: '%.40s', '%.40s'", id, note->change ? note->change : "",
                       note->severity ? note->severity : "");
    return hand_object("the alert's document", note->document, ret_object, err);
}
