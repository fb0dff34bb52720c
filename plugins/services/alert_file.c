/* alert_file: alerts as lines of JSON at the end of a file, for whatever follows that file.
 *
 * A line is on disk before it counts as delivered. What was delivered is recognised by its id, after a crash too: the
 * end of the file is read when it is opened, and a line that was torn is cut off. A file that was moved away (by a
 * rotating program) is begun anew. One process writes at a time. */
#include "alert_words.h"

#include <lbops/alert.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BACK  (8 << 20) /* of the end of the file */
#define GENERATION 20000     /* ids; between one and two generations are remembered */

struct settings {
    const char *file;
};

static const lb_param params[] = {
    LB_PARAM(struct settings, file, LB_TEXT, "alerts.ndjson", "the file: a name in the state directory, or a path"),
    LB_PARAMS_END,
};

typedef struct alerts {
    const lb_service_host *host;
    char *path, *directory;
    int fd; /* -1: not open */
    struct json_object *ids, *older;
    int count; /* of ids */
} alerts;

/* ---- ids ---- */

static bool is_known(const alerts *a, const char *id)
{
    return json_object_object_get_ex(a->ids, id, NULL) || (a->older && json_object_object_get_ex(a->older, id, NULL));
}

static int remember(alerts *a, const char *id, lb_error *err)
{
    if (a->count >= GENERATION) {
        struct json_object *fresh = json_object_new_object();
        if (!fresh)
            return lb_out_of_memory(err);
        (void)json_object_put(a->older); /* says whether it was the last one */
        a->older = a->ids;
        a->ids = fresh;
        a->count = 0;
    }
    a->count++;
    return json_object_object_add(a->ids, id, NULL) == 0 ? 0 : lb_out_of_memory(err);
}

/* ---- the file as it is found ---- */

static int read_line(alerts *a, char *line, lb_error *err)
{
    lb_error ignored;
    struct json_object *id = NULL, *object = service_json_object("a line", line, &ignored);
    int r = 0;
    if (!object)
        service_log(a->host, LB_LOG_WARN, "%s: a line that is not ours is left alone", a->path);
    else if (json_object_object_get_ex(object, "id", &id) && json_object_is_type(id, json_type_string))
        r = remember(a, json_object_get_string(id), err);
    (void)json_object_put(object); /* says whether it was the last one */
    return r;
}

static int read_lines(alerts *a, char *text, bool begins_inside, lb_error *err)
{
    char *line = begins_inside ? strchr(text, '\n') : text - 1;
    int r = 0;
    while (r == 0 && line && line[1]) {
        char *from = line + 1, *end = strchr(from, '\n');
        if (end)
            *end = '\0';
        r = *from ? read_line(a, from, err) : 0;
        line = end;
    }
    return r;
}

/* Cuts off what a crash left of a line, and learns the ids of what is whole. */
static int read_end(alerts *a, off_t size, lb_error *err)
{
    off_t from = size > READ_BACK ? size - READ_BACK : 0;
    size_t length = (size_t)(size - from);
    char *text = malloc(length + 1);
    if (!text)
        return lb_out_of_memory(err);
    int r = 0;
    ssize_t n = pread(a->fd, text, length, from);
    if (n != (ssize_t)length)
        r = service_fail_file(err, n < 0 ? errno : EIO, "read", a->path);
    size_t whole = r == 0 ? length : 0;
    while (whole && text[whole - 1] != '\n')
        whole--;
    if (r == 0 && whole < length) {
        service_log(a->host, LB_LOG_WARN, "%s: %zu bytes of a torn line are cut off", a->path, length - whole);
        if (ftruncate(a->fd, from + (off_t)whole) != 0 || fsync(a->fd) != 0)
            r = service_fail_file(err, errno, "cut", a->path);
    }
    for (size_t i = 0; i < whole; i++)
        text[i] = text[i] ? text[i] : ' '; /* zeros, as a power loss leaves them */
    text[whole] = '\0';
    if (r == 0)
        r = read_lines(a, text, from > 0, err);
    free(text);
    return r;
}

static int open_file(alerts *a, lb_error *err)
{
    struct stat st;
    a->fd = open(a->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (a->fd < 0)
        return service_fail_file(err, errno, "open", a->path);
    if (fstat(a->fd, &st) != 0 || !S_ISREG(st.st_mode))
        return lb_fail(err, LB_ERR_INVALID, "name a file", "%s is no file", a->path);
    if (flock(a->fd, LOCK_EX | LOCK_NB) != 0)
        return lb_fail(err, LB_ERR_CONFLICT, "end it, or name another file (fuser -v tells who it is)",
                       "another process writes alerts to %s", a->path);
    if (service_sync_directory(a->directory, err) < 0)
        return err->code;
    return read_end(a, st.st_size, err);
}

/* ---- opening ---- */

static void close_alerts(void *state)
{
    alerts *a = state;
    if (a->fd >= 0)
        (void)close(a->fd);        /* every line was made durable */
    (void)json_object_put(a->ids); /* these say whether it was the last one */
    (void)json_object_put(a->older);
    free(a->path);
    free(a->directory);
    free(a);
}

static int fill_names(void *state, const service_opening *opening, lb_error *err)
{
    alerts *a = state;
    const struct settings *settings = opening->args;
    const char *file = settings->file;
    a->host = opening->host;
    a->fd = -1;
    a->path = *file == '/' ? strdup(file) : service_text("%s/%s", opening->state_dir, file);
    const char *slash = a->path ? strrchr(a->path, '/') : NULL;
    a->directory = slash ? service_text("%.*s", slash == a->path ? 1 : (int)(slash - a->path), a->path) : NULL;
    a->ids = json_object_new_object();
    return a->path && a->directory && a->ids ? 0 : lb_out_of_memory(err);
}

static int fill_alerts(void *state, const service_opening *opening, lb_error *err)
{
    int r = fill_names(state, opening, err);
    return r < 0 ? r : open_file(state, err);
}

/* Could it be opened? Somebody else may make it, or have it open just now. */
static int look_at_file(void *state, const service_opening *opening, lb_error *err)
{
    const alerts *a = state;
    struct stat st;
    int r = fill_names(state, opening, err);
    if (r < 0)
        return r;
    bool is_there = stat(a->path, &st) == 0;
    if (is_there && !S_ISREG(st.st_mode))
        return lb_fail(err, LB_ERR_INVALID, "name a file", "%s is no file", a->path);
    const char *name = is_there ? a->path : a->directory;
    return name && access(name, is_there ? R_OK | W_OK : W_OK | X_OK) == 0
               ? 0
               : service_fail_file(err, errno, "write", name);
}

static int open_alerts(const lb_service_host *host, const void *args, const char *state_dir, int64_t deadline,
                       void **ret_state, lb_error *err)
{
    const service_opening opening = {.host = host, .args = args, .state_dir = state_dir};
    bool opens_alone = host->now() >= deadline;
    return service_open(&opening, sizeof(alerts), opens_alone ? look_at_file : fill_alerts, close_alerts, ret_state,
                        err);
}

/* ---- sending ---- */

static int follow_rotation(alerts *a, lb_error *err)
{
    struct stat open_one, named;
    if (a->fd >= 0 && fstat(a->fd, &open_one) == 0 && stat(a->path, &named) == 0 && open_one.st_ino == named.st_ino &&
        open_one.st_dev == named.st_dev)
        return 0;
    if (a->fd >= 0)
        (void)close(a->fd); /* every line was made durable */
    a->fd = -1;
    int r = open_file(a, err);
    if (r < 0 && a->fd >= 0) {
        (void)close(a->fd); /* nothing was written */
        a->fd = -1;
    }
    return r;
}

/* NULL: no memory. The caller puts it. */
static struct json_object *make_line(const lb_alert_note *note, const alert_words *words)
{
    struct json_object *line = json_object_new_object();
    const struct {
        const char *name, *text;
    } members[] = {{"id", note->id},
                   {"key", note->key},
                   {"change", note->change},
                   {"severity", note->severity},
                   {"text", note->text}};
    bool ok = line != NULL;
    for (size_t i = 0; ok && i < sizeof members / sizeof members[0]; i++)
        ok = json_object_object_add(line, members[i].name, json_object_new_string(members[i].text)) == 0;
    ok = ok && json_object_object_add(line, "at", json_object_new_int64(note->at)) == 0;
    ok = ok && alert_words_put(words, line);
    ok = ok && json_object_object_add(line, "alert", json_object_get(words->document)) == 0;
    if (ok)
        return line;
    (void)json_object_put(line); /* says whether it was the last one */
    return NULL;
}

/* All of it durably, or none of it. */
static int append(alerts *a, const char *text, size_t length, lb_error *err)
{
    struct stat before;
    if (fstat(a->fd, &before) != 0)
        return service_fail_file(err, errno, "look at", a->path);
    int r = service_write_all(a->fd, a->path, text, length, err);
    if (r == 0)
        r = service_write_all(a->fd, a->path, "\n", 1, err);
    if (r == 0 && fsync(a->fd) != 0)
        r = service_fail_file(err, errno, "make durable", a->path);
    if (r < 0 && ftruncate(a->fd, before.st_size) != 0)
        service_log(a->host, LB_LOG_ERROR, "%s: a torn line stays: %s", a->path, strerror(errno));
    return r;
}

static int write_note(alerts *a, const lb_alert_note *note, const alert_words *words, lb_error *err)
{
    struct json_object *line = make_line(note, words);
    size_t length = 0;
    const char *text =
        line ? json_object_to_json_string_length(line, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length)
             : NULL;
    int r = text ? append(a, text, length, err) : lb_out_of_memory(err);
    (void)json_object_put(line); /* says whether it was the last one */
    return r < 0 ? r : remember(a, note->id, err);
}

static int send_note(void *state, const lb_alert_note *note, int64_t deadline, lb_alert_receipt *ret_receipt,
                     lb_error *err)
{
    alerts *a = state;
    alert_words words = {.title = NULL};
    if (service_check_time(a->host, deadline, err) < 0)
        return err->code;
    int r = alert_words_make(note, &words, err);
    if (r == 0)
        r = follow_rotation(a, err);
    if (r == 0 && !is_known(a, note->id))
        r = write_note(a, note, &words, err);
    alert_words_done(&words);
    if (r == 0)
        *ret_receipt = (lb_alert_receipt){.outcome = LB_ALERT_DELIVERED};
    return r;
}

LB_ALERT(alert_file, "alerts as lines of JSON in a file", .params = params, .param_size = sizeof(lb_param),
         .args_size = sizeof(struct settings), .open = open_alerts, .close = close_alerts, .send = send_note);
