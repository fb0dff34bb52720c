#include "mock_json.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_LIMIT ((size_t)64 * 1024 * 1024)
#define DEPTH      64
#define SECOND     INT64_C(1000000)

int mock_bad(lb_error *err, const mock_place *place, const char *hint, const char *fmt, ...)
{
    char text[sizeof err->message];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args); /* a long message is cut */
    va_end(args);
    return lb_fail(err, LB_ERR_INVALID, hint, "%s: %s%s%s", place->file, place->where, place->where[0] ? ": " : "",
                   text);
}

/* ---- files ---- */

static int fail_errno(const mock_dir *dir, const char *name, int error_number, lb_error *err)
{
    if (error_number == ENOENT)
        return lb_fail(err, LB_ERR_NOT_FOUND, NULL, "%s/%s does not exist", dir->path, name);
    if (error_number == ELOOP || error_number == ENOTDIR)
        return lb_fail(err, LB_ERR_DENIED, "put the file itself there", "%s/%s goes through a symbolic link or a file",
                       dir->path, name);
    return lb_fail(err, error_number == EACCES ? LB_ERR_DENIED : LB_ERR_IO, "check its owner and mode",
                   "cannot open %s/%s: %s", dir->path, name, strerror(error_number));
}

/* Component by component, since O_NOFOLLOW looks at the last one only. */
int mock_open_below(const mock_dir *dir, const char *name, int flags, lb_error *err)
{
    int at = dir->fd;
    for (const char *rest = name;;) {
        size_t length = strcspn(rest, "/");
        char part[256];
        bool last = rest[length] == '\0';
        int fd = -1;
        if (length == 0 || length >= sizeof part || rest[0] == '.') {
            errno = ENOENT; /* no name that we make has such a part */
        } else {
            memcpy(part, rest, length);
            part[length] = '\0';
            fd = openat(at, part, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (last ? flags : O_DIRECTORY));
        }
        int error_number = errno;
        if (at != dir->fd)
            (void)close(at); /* only read from */
        if (fd < 0)
            return fail_errno(dir, name, error_number, err);
        if (last)
            return fd;
        at = fd;
        rest += length + 1;
    }
}

/* NULL: err. The caller frees. */
static char *read_text(int fd, const mock_place *place, size_t *ret_length, lb_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        (void)mock_bad(err, place, "put a JSON file there", "is not a regular file"); /* fills it */
        return NULL;
    }
    if ((uint64_t)st.st_size > FILE_LIMIT) {
        (void)lb_fail(err, LB_ERR_LIMIT, "record fewer rows", "%s is longer than %zu bytes", place->file, FILE_LIMIT);
        return NULL;
    }
    size_t size = (size_t)st.st_size, length = 0;
    char *text = calloc(1, size + 1);
    if (!text)
        (void)lb_out_of_memory(err); /* fills it */
    while (text && length < size) {
        ssize_t n = read(fd, text + length, size - length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            (void)lb_fail(err, LB_ERR_IO, NULL, "cannot read %s: %s", place->file, strerror(errno)); /* fills it */
            free(text);
            return NULL;
        }
        if (n == 0)
            break;
        length += (size_t)n;
    }
    *ret_length = length;
    return text;
}

static int bad_syntax(const char *text, size_t offset, enum json_tokener_error why, const mock_place *place,
                      lb_error *err)
{
    unsigned line = 1, column = 1;
    for (size_t i = 0; i < offset; i++) {
        column = text[i] == '\n' ? 1 : column + 1;
        line += text[i] == '\n';
    }
    const char *what = why == json_tokener_continue  ? "the document ends too early"
                       : why == json_tokener_success ? "something follows the document"
                                                     : json_tokener_error_desc(why);
    return lb_fail(err, LB_ERR_INVALID, "give one JSON document (RFC 8259)", "%s:%u:%u: not JSON: %s", place->file,
                   line, column, what);
}

static int parse(const char *text, size_t length, const mock_place *place, struct json_object **ret_document,
                 lb_error *err)
{
    struct json_tokener *tokener = json_tokener_new_ex(DEPTH);
    if (!tokener)
        return lb_out_of_memory(err);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *document = json_tokener_parse_ex(tokener, text, (int)length);
    enum json_tokener_error why = json_tokener_get_error(tokener);
    size_t end = json_tokener_get_parse_end(tokener);
    json_tokener_free(tokener);
    if (why == json_tokener_success && end == length) {
        *ret_document = document;
        return 0;
    }
    (void)json_object_put(document); /* ours alone */
    return bad_syntax(text, end, why, place, err);
}

/* What JSON allows and we cannot carry: NUL inside a text, numbers that are none. */
static int check_sound(struct json_object *value, mock_place *place, lb_error *err)
{
    size_t before = strlen(place->where);
    int r = 0;
    switch (json_object_get_type(value)) {
    case json_type_string:
        if (strlen(json_object_get_string(value)) != (size_t)json_object_get_string_len(value))
            return mock_bad(err, place, "Postgres has no such text", "a text with a NUL inside");
        return 0;
    case json_type_double:
        if (!isfinite(json_object_get_double(value)))
            return mock_bad(err, place, "write it as a text", "a number that is not finite");
        return 0;
    case json_type_array:
        for (size_t i = 0; r == 0 && i < json_object_array_length(value); i++) {
            (void)snprintf(place->where + before, sizeof place->where - before, "[%zu]", i); /* a deep path is cut */
            r = check_sound(json_object_array_get_idx(value, i), place, err);
        }
        break;
    case json_type_object: {
        json_object_object_foreach(value, key, member)
        {
            (void)snprintf(place->where + before, sizeof place->where - before, ".%s", key); /* a deep path is cut */
            r = check_sound(member, place, err);
            if (r < 0)
                break;
        }
        break;
    }
    default:
        return 0;
    }
    place->where[before] = '\0';
    return r;
}

int mock_json_read(const mock_dir *dir, const char *name, struct json_object **ret_document, lb_error *err)
{
    char path[4096];
    size_t length = 0;
    struct json_object *document = NULL;
    (void)snprintf(path, sizeof path, "%s/%s", dir->path, name); /* for messages only */
    mock_place place = {.file = path};
    int fd = mock_open_below(dir, name, 0, err);
    if (fd < 0)
        return fd;
    char *text = read_text(fd, &place, &length, err);
    (void)close(fd); /* only read from */
    if (!text)
        return err->code;
    int r = parse(text, length, &place, &document, err);
    free(text);
    if (r == 0)
        r = check_sound(document, &place, err);
    if (r < 0) {
        (void)json_object_put(document); /* ours alone */
        return r;
    }
    *ret_document = document;
    return 0;
}

/* ---- members ---- */

static const char *type_words(enum json_type type)
{
    switch (type) {
    case json_type_boolean:
        return "true or false";
    case json_type_int:
        return "a whole number";
    case json_type_double:
        return "a number";
    case json_type_string:
        return "a text";
    case json_type_array:
        return "a list";
    case json_type_object:
        return "an object";
    default:
        return "null";
    }
}

static int unknown_key(const char *name, const mock_key *keys, size_t count, const mock_place *place, lb_error *err)
{
    char known[sizeof err->hint] = "the keys are";
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(known);
        (void)snprintf(known + length, sizeof known - length, " %s", keys[i].name); /* a long list is cut */
    }
    return mock_bad(err, place, known, "unknown key \"%s\"", name);
}

int mock_json_members(struct json_object *object, const mock_key *keys, size_t count, void *into,
                      const mock_place *place, lb_error *err)
{
    if (!json_object_is_type(object, json_type_object))
        return mock_bad(err, place, "see the guide to fixtures", "%s where an object belongs",
                        type_words(json_object_get_type(object)));
    json_object_object_foreach(object, name, value)
    {
        size_t i = 0;
        while (i < count && strcmp(keys[i].name, name) != 0)
            i++;
        if (i == count)
            return unknown_key(name, keys, count, place, err);
        bool any = keys[i].type == json_type_null;
        if (!any && !(value ? json_object_is_type(value, keys[i].type) : keys[i].nullable))
            return mock_bad(err, place, "see the guide to fixtures", "\"%s\" is %s where %s belongs", name,
                            type_words(json_object_get_type(value)), type_words(keys[i].type));
        mock_member *member = (mock_member *)(void *)((char *)into + keys[i].offset);
        *member = (mock_member){.given = true, .value = value};
    }
    return 0;
}

int mock_json_count(const mock_member *member, const char *name, int64_t fallback, const mock_place *place,
                    int64_t *ret_count, lb_error *err)
{
    int64_t count = member->value ? json_object_get_int64(member->value) : fallback;
    if (member->value && count < 0)
        return mock_bad(err, place, NULL, "\"%s\" is %lld, less than nothing", name, (long long)count);
    *ret_count = count;
    return 0;
}

/* ---- matching ---- */

/* RFC 3339 in UTC; the fraction may be left out or be short. */
static bool parse_instant(const char *text, int64_t *ret_microseconds)
{
    struct tm parts = {0};
    const char *p = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    if (!p)
        return false;
    int64_t fraction = 0;
    if (*p == '.') {
        int64_t unit = SECOND / 10;
        for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
            fraction += (*p - '0') * unit;
    }
    if (strcmp(p, "Z") != 0)
        return false;
    *ret_microseconds = (int64_t)timegm(&parts) * SECOND + fraction;
    return true;
}

static bool same_text(const char *want, const char *have)
{
    int64_t a, b;
    return strcmp(want, have) == 0 || (parse_instant(want, &a) && parse_instant(have, &b) && a == b);
}

static bool same_items(struct json_object *want, struct json_object *have)
{
    size_t count = json_object_array_length(want);
    if (json_object_array_length(have) != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!mock_json_matches(json_object_array_get_idx(want, i), json_object_array_get_idx(have, i)))
            return false;
    return true;
}

static bool has_members(struct json_object *want, struct json_object *have)
{
    json_object_object_foreach(want, name, value)
    {
        struct json_object *other = NULL;
        if (!json_object_object_get_ex(have, name, &other) || !mock_json_matches(value, other))
            return false;
    }
    return true;
}

static bool is_number(enum json_type type)
{
    return type == json_type_int || type == json_type_double;
}

bool mock_json_matches(struct json_object *want, struct json_object *have)
{
    enum json_type type = json_object_get_type(want), other = json_object_get_type(have);
    if (is_number(type) && is_number(other)) {
        if (type == json_type_int && other == json_type_int)
            return json_object_get_int64(want) == json_object_get_int64(have);
        return json_object_get_double(want) == json_object_get_double(have);
    }
    if ((is_number(type) && other == json_type_string) || (type == json_type_string && is_number(other)))
        return strcmp(json_object_get_string(want), json_object_get_string(have)) ==
               0; /* an exact decimal travels as text */
    if (type != other)
        return false;
    switch (type) {
    case json_type_null:
        return true;
    case json_type_boolean:
        return json_object_get_boolean(want) == json_object_get_boolean(have);
    case json_type_string:
        return same_text(json_object_get_string(want), json_object_get_string(have));
    case json_type_array:
        return same_items(want, have);
    default:
        return has_members(want, have);
    }
}

/* ---- values as JSON ---- */

static struct json_object *time_json(int64_t microseconds)
{
    char text[80];
    int64_t fraction = microseconds % SECOND;
    if (fraction < 0)
        fraction += SECOND;
    time_t seconds = (time_t)((microseconds - fraction) / SECOND);
    struct tm parts = {0};
    if (!gmtime_r(&seconds, &parts))
        return json_object_new_int64(microseconds); /* past what a calendar holds */
    size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    if (fraction)
        (void)snprintf(text + length, sizeof text - length, ".%06lldZ", (long long)fraction); /* the room is ample */
    else
        (void)snprintf(text + length, sizeof text - length, "Z");
    return json_object_new_string(text);
}

static struct json_object *document_json(const char *text)
{
    struct json_object *document = json_tokener_parse(text);
    return document ? document : json_object_new_string(text);
}

static struct json_object *value_json(const lb_value *value);

static struct json_object *list_json(const lb_value *value)
{
    struct json_object *list = json_object_new_array();
    for (uint32_t i = 0; i < value->count; i++)
        (void)json_object_array_add(list,
                                    value_json(&value->v.items[i])); /* without memory the item is missing: no match */
    return list;
}

static struct json_object *value_json(const lb_value *value)
{
    if (value->type & LB_LIST)
        return list_json(value);
    switch (value->type) {
    case LB_TEXT:
    case LB_IDENT:
    case LB_NUMERIC:
    case LB_SQLTYPE:
    case LB_DEFINITION:
        return value->v.text ? json_object_new_string(value->v.text) : NULL;
    case LB_JSON:
        return value->v.text ? document_json(value->v.text) : NULL;
    case LB_I64:
        return json_object_new_int64(value->v.i64);
    case LB_F64:
        return isfinite(value->v.f64) ? json_object_new_double(value->v.f64)
                                      : json_object_new_string(isnan(value->v.f64) ? "NaN"
                                                               : value->v.f64 > 0  ? "Infinity"
                                                                                   : "-Infinity");
    case LB_BOOL:
        return json_object_new_boolean(value->v.flag);
    case LB_TIME:
        return time_json(value->v.i64);
    case LB_OBJECT:
        return mock_json_values(value->v.items);
    default:
        return NULL;
    }
}

struct json_object *mock_json_values(const lb_value *values)
{
    struct json_object *object = json_object_new_object();
    for (const lb_value *v = values; v && v->type != LB_END; v++)
        if (v->name && v->type != LB_SQL && v->type != LB_LIST_OF(LB_SQL) && v->type != LB_SECRET)
            (void)json_object_object_add(object, v->name, value_json(v)); /* without memory it is missing: no match */
    return object;
}
