#include "suspend.h"

#include "clock.h"
#include "fs.h"
#include "json.h"

#include <dirent.h>
#include <errno.h>

typedef struct entry {
    struct entry *next;
    char *tool, *reason, *since;
    int crashes;
} entry;

struct suspend_book {
    char *dir;
    int limit;
    entry *entries;
};

static void free_entry(entry *e)
{
    free(e->tool);
    free(e->reason);
    free(e->since);
    free(e);
}

static entry *find(const suspend_book *book, const char *tool)
{
    entry *e = book->entries;
    while (e && strcmp(e->tool, tool) != 0)
        e = e->next;
    return e;
}

static char *path_of(const suspend_book *book, const char *tool)
{
    return base_printf("%s/%s.json", book->dir, tool);
}

static const char *text_member(struct json_object *object, const char *name)
{
    struct json_object *member = NULL;
    return json_object_object_get_ex(object, name, &member) && json_object_is_type(member, json_type_string)
               ? json_object_get_string(member)
               : "";
}

/* A file that cannot be understood suspends nothing: it is overwritten by the next crash. */
static void read_entry(suspend_book *book, const char *name)
{
    lb_error ignored;
    LB_AUTO_FREE char *path = base_printf("%s/%s", book->dir, name), *text = NULL;
    size_t length = 0;
    if (fs_read(path, (size_t)64 * 1024, &text, &length, &ignored) < 0)
        return;
    JSON_AUTO *object = json_parse(text, length, &ignored);
    struct json_object *crashes = NULL;
    if (!object || !json_object_object_get_ex(object, "crashes", &crashes))
        return;
    entry *e = base_alloc(sizeof *e);
    e->tool = base_printf("%.*s", (int)(strlen(name) - strlen(".json")), name);
    e->crashes = json_object_get_int(crashes);
    e->reason = base_strdup(text_member(object, "reason"));
    e->since = base_strdup(text_member(object, "since"));
    e->next = book->entries;
    book->entries = e;
}

int suspend_open(const char *state_dir, int limit, suspend_book **ret_book, lb_error *err)
{
    suspend_book *book = base_alloc(sizeof *book);
    book->dir = base_printf("%s/suspended", state_dir);
    book->limit = limit;
    DIR *dir = opendir(book->dir);
    if (!dir && errno != ENOENT) {
        int r = fs_fail(err, errno, "open directory", book->dir);
        (void)suspend_close(book); /* gives NULL */
        return r;
    }
    for (struct dirent *d; dir && (d = readdir(dir));) {
        size_t length = strlen(d->d_name);
        if (length > 5 && strcmp(d->d_name + length - 5, ".json") == 0)
            read_entry(book, d->d_name);
    }
    if (dir)
        (void)closedir(dir); /* was only read */
    *ret_book = book;
    return 0;
}

suspend_book *suspend_close(suspend_book *book)
{
    if (!book)
        return NULL;
    for (entry *e = book->entries, *next; e; e = next) {
        next = e->next;
        free_entry(e);
    }
    free(book->dir);
    free(book);
    return NULL;
}

bool suspend_is_suspended(const suspend_book *book, const char *tool)
{
    const entry *e = find(book, tool);
    return e && e->crashes >= book->limit;
}

int suspend_check(const suspend_book *book, const char *tool, lb_error *err)
{
    const entry *e = find(book, tool);
    char hint[200];
    if (!e || e->crashes < book->limit)
        return 0;
    (void)snprintf(hint, sizeof hint, "when its plugin is mended: lbops tools %s --resume", tool);
    return lb_fail(err, LB_ERR_SUSPENDED, hint, "%s is suspended since %s after %d crashes in a row; the last: %.200s",
                   tool, e->since, e->crashes, e->reason);
}

static int write_entry(const suspend_book *book, const entry *e, lb_error *err)
{
    BUF_AUTO text = BUF_INIT((size_t)64 * 1024);
    LB_AUTO_FREE char *path = path_of(book, e->tool);
    buf_putc(&text, '{');
    json_member_i64(&text, "crashes", e->crashes);
    json_member_string(&text, "since", e->since);
    json_member_string(&text, "reason", e->reason);
    buf_puts(&text, "}\n");
    int r = fs_make_dirs(book->dir, err);
    return r < 0 ? r : fs_write_durable(path, buf_text(&text), text.length, 0600, err);
}

bool suspend_note_crash(suspend_book *book, const char *tool, const char *reason, lb_error *err)
{
    char now[CLOCK_TEXT];
    entry *e = find(book, tool);
    if (!e) {
        e = base_alloc(sizeof *e);
        e->tool = base_strdup(tool);
        e->next = book->entries;
        book->entries = e;
    }
    clock_format(clock_now(), now);
    e->crashes++;
    free(e->reason);
    free(e->since);
    e->reason = base_strdup(reason);
    e->since = base_strdup(now);
    err->code = 0;
    (void)write_entry(book, e, err); /* its failure is in err, for the caller's log */
    return e->crashes == book->limit;
}

static void forget(suspend_book *book, const char *tool)
{
    LB_AUTO_FREE char *path = path_of(book, tool);
    for (entry **link = &book->entries; *link; link = &(*link)->next) {
        entry *e = *link;
        if (strcmp(e->tool, tool) != 0)
            continue;
        *link = e->next;
        free_entry(e);
        break;
    }
    (void)unlink(path); /* a leftover only makes the count start higher */
}

void suspend_note_success(suspend_book *book, const char *tool)
{
    if (find(book, tool))
        forget(book, tool);
}

int suspend_resume(suspend_book *book, const char *tool, lb_error *err)
{
    if (!suspend_is_suspended(book, tool))
        return lb_fail(err, LB_ERR_NOT_FOUND, NULL, "%s is not suspended", tool);
    forget(book, tool);
    return 0;
}
