#include "fixture_file.h"

#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#define FILE_LIMIT ((size_t)64 * 1024 * 1024) /* what transport_mock reads */

fixture_seen *fixture_seen_free(fixture_seen *seen)
{
    while (seen) {
        fixture_seen *next = seen->next;
        free(seen->question);
        free(seen);
        seen = next;
    }
    return NULL;
}

static fixture_seen *find_seen(fixture_seen **seen, const char *name, const char *const *keys,
                               struct json_object *added)
{
    buf b = BUF_INIT(FILE_LIMIT);
    buf_puts(&b, name);
    for (size_t i = 0; keys[i]; i++) {
        struct json_object *value = NULL;
        bool given = json_object_object_get_ex(added, keys[i], &value);
        buf_puts(&b, given ? json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN) : "-");
        buf_putc(&b, '\n');
    }
    for (fixture_seen *s = *seen; s; s = s->next) {
        if (strcmp(s->question, buf_text(&b)) == 0) {
            buf_done(&b);
            return s;
        }
    }
    fixture_seen *s = base_alloc(sizeof *s);
    *s = (fixture_seen){.next = *seen, .question = base_strdup(buf_text(&b))};
    buf_done(&b);
    *seen = s;
    return s;
}

static bool same_member(struct json_object *a, struct json_object *b, const char *name)
{
    struct json_object *first = NULL, *second = NULL;
    bool given = json_object_object_get_ex(a, name, &first);
    return json_object_object_get_ex(b, name, &second) == given && json_object_equal(first, second);
}

static bool same_question(struct json_object *a, struct json_object *b, const char *const *keys)
{
    if (!json_object_is_type(a, json_type_object))
        return false;
    for (size_t i = 0; keys[i]; i++)
        if (!same_member(a, b, keys[i]))
            return false;
    return true;
}

/* Everything but how often, and what a person noted. */
static bool same_answer(struct json_object *a, struct json_object *b)
{
    static const char *const parts[] = {"columns", "rows",  "affected", "status",
                                        "reply",   "error", "version",  "suspended"};
    for (size_t i = 0; i < LB_COUNT(parts); i++)
        if (!same_member(a, b, parts[i]))
            return false;
    return true;
}

/* Appends, and ends the case before it after as many answers as were seen. False: nothing to write. Takes `added`. */
static bool merge(struct json_object *list, struct json_object *added, const char *const *keys, fixture_seen *seen)
{
    struct json_object *last = NULL, *times = NULL;
    for (size_t i = 0; i < json_object_array_length(list); i++)
        if (same_question(json_object_array_get_idx(list, i), added, keys))
            last = json_object_array_get_idx(list, i);
    bool ends = last && json_object_object_get_ex(last, "times", &times);
    if (last && !ends && same_answer(last, added)) {
        seen->times++;
        (void)json_object_put(added); /* ours alone */
        return false;
    }
    if (last && !ends)
        (void)json_object_object_add(last, "times",
                                     json_object_new_int64(seen->times ? seen->times : 1)); /* or always */
    seen->times = 1;
    (void)json_object_array_add(list, added); /* fails without memory only: base_alloc would end us there */
    return true;
}

/* ---- files ---- */

static int lock_directory(const char *dir, lb_error *err)
{
    int r = fs_make_dirs(dir, err);
    if (r < 0)
        return r;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fs_fail(err, errno, "open directory", dir);
    while (flock(fd, LOCK_EX) != 0) {
        if (errno == EINTR)
            continue;
        int error_number = errno;
        (void)close(fd); /* only locked */
        return fs_fail(err, error_number, "lock", dir);
    }
    return fd;
}

static int read_list(const char *path, struct json_object **ret_list, lb_error *err)
{
    LB_AUTO_FREE char *text = NULL;
    size_t length = 0;
    int r = fs_read(path, FILE_LIMIT, &text, &length, err);
    if (r == LB_ERR_NOT_FOUND) {
        *ret_list = json_object_new_array();
        return 0;
    }
    if (r < 0)
        return r;
    struct json_object *list = json_parse(text, length, err);
    if (json_object_is_type(list, json_type_array)) {
        *ret_list = list;
        return 0;
    }
    if (list)
        (void)lb_fail(err, LB_ERR_INVALID, "record into another directory", "it is not a list"); /* wrapped below */
    (void)json_object_put(list);                                                                 /* ours alone */
    return lb_wrap(err, path);
}

/* A row a line: fixtures are read and changed by people. */
static void put_rows(buf *b, struct json_object *rows)
{
    buf_puts(b, "[");
    for (size_t i = 0; i < json_object_array_length(rows); i++) {
        struct json_object *row = json_object_array_get_idx(rows, i);
        buf_puts(b, i ? ",\n      " : "\n      ");
        buf_puts(b, json_object_to_json_string_ext(row, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    }
    buf_puts(b, "\n    ]");
}

static void put_case(buf *b, struct json_object *element)
{
    const char *comma = "";
    buf_puts(b, "  {");
    json_object_object_foreach(element, name, value)
    {
        buf_puts(b, comma);
        buf_puts(b, "\n    ");
        json_string(b, name);
        buf_puts(b, ": ");
        if (strcmp(name, "rows") == 0 && json_object_is_type(value, json_type_array) && json_object_array_length(value))
            put_rows(b, value);
        else
            buf_puts(b, json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
        comma = ",";
    }
    buf_puts(b, "\n  }");
}

static int write_list(const char *path, struct json_object *list, lb_error *err)
{
    BUF_AUTO b = BUF_INIT(FILE_LIMIT);
    buf_puts(&b, "[");
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *element = json_object_array_get_idx(list, i);
        buf_puts(&b, i ? ",\n" : "\n");
        if (json_object_is_type(element, json_type_object))
            put_case(&b, element);
        else
            buf_puts(&b, json_object_to_json_string_ext(element, JSON_C_TO_STRING_PLAIN));
    }
    buf_puts(&b, "\n]\n");
    if (b.overflow)
        return lb_fail(err, LB_ERR_LIMIT, "record a smaller run", "%s would be longer than %zu bytes", path,
                       FILE_LIMIT);
    return fs_write_durable(path, b.data, b.length, 0600, err);
}

static int make_directory_of(const char *path, lb_error *err)
{
    LB_AUTO_FREE char *directory = base_strdup(path);
    *strrchr(directory, '/') = '\0'; /* the path has one: it is DIR/NAME */
    return fs_make_dirs(directory, err);
}

int fixture_file_add(const char *dir, const char *name, const char *const *keys, const char *text, size_t length,
                     fixture_seen **seen, lb_error *err)
{
    LB_AUTO_FREE char *path = base_printf("%s/%s", dir, name);
    JSON_AUTO *list = NULL;
    struct json_object *added = json_parse(text, length, err);
    if (!added)
        return lb_wrap(err, name);
    LB_AUTO_FD int lock = lock_directory(dir, err);
    int r = lock < 0 ? lock : make_directory_of(path, err);
    if (r == 0)
        r = read_list(path, &list, err);
    if (r < 0) {
        (void)json_object_put(added); /* ours alone */
        return r;
    }
    return merge(list, added, keys, find_seen(seen, name, keys, added)) ? write_list(path, list, err) : 0;
}
