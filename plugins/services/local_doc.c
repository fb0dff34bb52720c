/* Documents by dotted paths, and the small texts of the control plane: durations, identifiers. */
#include "local.h"

#include "clock.h"

#include <sys/random.h>

#define WORD 128 /* a member's name */

/* The next member's name of a path; NULL at its end. */
static const char *next_word(const char *path, char into[WORD])
{
    size_t length = strcspn(path, ".");
    (void)snprintf(into, WORD, "%.*s", (int)length, path); /* names are short */
    return path[length] ? path + length + 1 : NULL;
}

doc *doc_at(doc *d, const char *path)
{
    char word[WORD];
    while (path) {
        doc *member = NULL;
        path = next_word(path, word);
        if (!json_object_is_type(d, json_type_object) || !json_object_object_get_ex(d, word, &member))
            return NULL;
        d = member;
    }
    return d;
}

const char *doc_text(doc *d, const char *path)
{
    doc *at = doc_at(d, path);
    return json_object_is_type(at, json_type_string) ? json_object_get_string(at) : NULL;
}

const char *doc_text_or(doc *d, const char *path, const char *otherwise)
{
    const char *text = doc_text(d, path);
    return text ? text : otherwise;
}

int64_t doc_i64(doc *d, const char *path, int64_t otherwise)
{
    doc *at = doc_at(d, path);
    return json_object_is_type(at, json_type_int) ? json_object_get_int64(at) : otherwise;
}

double doc_f64(doc *d, const char *path, double otherwise)
{
    doc *at = doc_at(d, path);
    bool is_number = json_object_is_type(at, json_type_int) || json_object_is_type(at, json_type_double);
    return is_number ? json_object_get_double(at) : otherwise;
}

bool doc_flag(doc *d, const char *path)
{
    doc *at = doc_at(d, path);
    return json_object_is_type(at, json_type_boolean) && json_object_get_boolean(at);
}

bool doc_is(doc *d, const char *path, const char *text)
{
    const char *at = doc_text(d, path);
    return at && strcmp(at, text) == 0;
}

void doc_set(doc *d, const char *path, doc *value)
{
    char word[WORD];
    for (path = next_word(path, word); path; path = next_word(path, word)) {
        doc *member = NULL;
        if (!json_object_object_get_ex(d, word, &member) || !json_object_is_type(member, json_type_object)) {
            member = json_object_new_object();
            (void)json_object_object_add(d, word, member); /* fails without memory alone */
        }
        d = member;
    }
    if (value)
        (void)json_object_object_add(d, word, value); /* as above */
    else
        json_object_object_del(d, word);
}

void doc_set_text(doc *d, const char *path, const char *text)
{
    doc_set(d, path, text ? json_object_new_string(text) : NULL);
}

void doc_set_i64(doc *d, const char *path, int64_t number)
{
    doc_set(d, path, json_object_new_int64(number));
}

void doc_set_f64(doc *d, const char *path, double number)
{
    doc_set(d, path, json_object_new_double(number));
}

void doc_set_flag(doc *d, const char *path, bool flag)
{
    doc_set(d, path, json_object_new_boolean(flag));
}

void doc_set_time(doc *d, const char *path, int64_t microseconds)
{
    char text[CLOCK_TEXT];
    clock_format(microseconds, text);
    doc_set_text(d, path, text);
}

int64_t doc_time(doc *d, const char *path)
{
    int64_t microseconds = 0;
    const char *text = doc_text(d, path);
    return text && clock_parse(text, &microseconds) ? microseconds : 0;
}

size_t doc_length(doc *list)
{
    return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

doc *doc_item(doc *list, size_t i)
{
    return json_object_array_get_idx(list, i);
}

doc *doc_copy(doc *d)
{
    doc *copy = NULL;
    (void)json_object_deep_copy(d, &copy, NULL); /* NULL when there is no memory */
    return copy;
}

/* ---- texts ---- */

int64_t local_seconds(const char *text)
{
    char *end = NULL;
    if (!text || !strchr("0123456789", text[0]) || !text[0])
        return -1;
    double seconds = strtod(text, &end);
    if (strcmp(end, "s") != 0 || !(seconds >= 0 && seconds < 1e10))
        return -1;
    return (int64_t)(seconds * (double)CLOCK_SECOND);
}

char *local_seconds_text(int64_t seconds)
{
    return base_printf("%llds", (long long)seconds);
}

static void random_bytes(unsigned char *into, size_t count)
{
    if (getrandom(into, count, 0) != (ssize_t)count) /* up to 256 bytes come whole once the system is up */
        abort();
}

void local_uuid(char into[37])
{
    unsigned char b[16];
    random_bytes(b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    (void)snprintf(into, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
                   b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]); /* fits */
}

char *local_uid(const char *prefix)
{
    static const char *const manners[] = {"calm",  "wild",  "still", "bright", "quiet", "green", "swift", "old",
                                          "lucky", "misty", "broad", "silver", "warm",  "deep",  "early", "round"};
    static const char *const things[] = {"river", "dawn",  "lake", "meadow", "stone", "cloud", "forest", "star",
                                         "hill",  "brook", "moss", "harbor", "field", "wind",  "snow",   "leaf"};
    unsigned char b[6];
    random_bytes(b, sizeof b);
    return base_printf("%s-%s-%s-%02x%02x%02x%02x", prefix, manners[b[0] & 15], things[b[1] & 15], b[2], b[3], b[4],
                       b[5]);
}

bool local_is_id(const char *text)
{
    size_t length = strlen(text);
    return length >= 1 && length <= 63 && text[0] >= 'a' && text[0] <= 'z' && text[length - 1] != '-' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}
