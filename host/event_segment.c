#include "event_segment.h"

#include "clock.h"
#include "fs.h"
#include "json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#define NAME_DIGITS 20
static const char suffix[] = ".ndjson";

char *event_segment_path(const char *dir, uint64_t first)
{
    return base_printf("%s/%0*llu%s", dir, NAME_DIGITS, (unsigned long long)first, suffix);
}

/* ---- headers ---- */

void event_header_put(buf *into, event_header *header)
{
    size_t start = into->length;
    buf_puts(into, "{\"lbops_events\":1");
    json_member_i64(into, "first", (int64_t)header->first);
    json_key(into, "at");
    json_time(into, header->at);
    json_member_string(into, "previous", header->previous);
    json_member_string(into, "broken", header->broken[0] ? header->broken : NULL);
    json_member_string(into, "hash", EVENT_NO_HASH);
    buf_puts(into, "}\n");
    if (!into->overflow)
        event_seal(into->data + start, into->length - start - 1, header->previous);
}

static const char *text_member(struct json_object *object, const char *name)
{
    struct json_object *member = NULL;
    (void)json_object_object_get_ex(object, name, &member); /* leaves NULL */
    return json_object_is_type(member, json_type_string) ? json_object_get_string(member) : NULL;
}

static int64_t number_member(struct json_object *object, const char *name)
{
    struct json_object *member = NULL;
    (void)json_object_object_get_ex(object, name, &member); /* leaves NULL */
    return json_object_is_type(member, json_type_int) ? json_object_get_int64(member) : 0;
}

int event_header_parse(const char *line, size_t length, event_header *ret_header, lb_error *err)
{
    event_header h = {0};
    JSON_AUTO *object = event_line_hash(line, length) ? json_parse(line, length, err) : NULL;
    if (!object)
        return lb_fail(err, LB_ERR_CONFLICT, NULL, "a first line that is no header");
    const char *previous = text_member(object, "previous"), *at = text_member(object, "at"),
               *broken = text_member(object, "broken");
    if (number_member(object, "lbops_events") != 1)
        return lb_fail(err, LB_ERR_CONFLICT, "was it written by a newer lbops?", "a header of an unknown version");
    if (!previous || strlen(previous) != EVENT_HASH || !at || !clock_parse(at, &h.at) ||
        number_member(object, "first") < 1)
        return lb_fail(err, LB_ERR_CONFLICT, NULL, "a first line that is no header");
    h.first = (uint64_t)number_member(object, "first");
    memcpy(h.previous, previous, EVENT_HASH);
    (void)snprintf(h.broken, sizeof h.broken, "%s", broken ? broken : ""); /* it was cut when it was written */
    *ret_header = h;
    return 0;
}

int event_header_read(const char *dir, uint64_t first, event_header *ret_header, lb_error *err)
{
    char text[4096];
    LB_AUTO_FREE char *path = event_segment_path(dir, first);
    LB_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return fs_fail(err, errno, "open", path);
    ssize_t n = pread(fd, text, sizeof text, 0);
    if (n < 0)
        return fs_fail(err, errno, "read", path);
    const char *end = memchr(text, '\n', (size_t)n);
    if (!end)
        return lb_fail(err, LB_ERR_CONFLICT, NULL, "%s:1: no header", path);
    return event_header_parse(text, (size_t)(end - text), ret_header, err);
}

/* ---- which there are ---- */

static bool parse_name(const char *name, uint64_t *ret_first)
{
    uint64_t first = 0;
    size_t digits = strspn(name, "0123456789");
    if (digits != NAME_DIGITS || name[0] != '0' || strcmp(name + digits, suffix) != 0)
        return false;
    for (size_t i = 0; i < digits; i++)
        first = first * 10 + (uint64_t)(name[i] - '0');
    *ret_first = first;
    return first > 0;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

int event_segments(const char *dir, uint64_t **ret_firsts, size_t *ret_count, lb_error *err)
{
    uint64_t *firsts = NULL, first;
    size_t count = 0, capacity = 0;
    DIR *d = opendir(dir);
    if (!d && errno != ENOENT)
        return fs_fail(err, errno, "open directory", dir);
    errno = 0;
    for (struct dirent *entry; d && (entry = readdir(d));) {
        if (!parse_name(entry->d_name, &first))
            continue;
        BASE_PUSH(firsts, count, capacity);
        firsts[count++] = first;
    }
    int error_number = errno;
    if (d)
        (void)closedir(d); /* was only read */
    if (error_number && d) {
        free(firsts);
        return fs_fail(err, error_number, "read directory", dir);
    }
    if (count)
        qsort(firsts, count, sizeof *firsts, by_number);
    *ret_firsts = firsts;
    *ret_count = count;
    return 0;
}
