/* Fixtures of calls: those of the control plane, and those of each web service. */
#include "mock_fixtures.h"

#include "pattern.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* The calls of NAME.json and of every NAME/FILE.json: of the control plane, or of one web service. */
struct mock_calls {
    struct mock_calls *next;
    char *name;                    /* "control", "http/github" */
    struct json_object *documents; /* a list that keeps them */
    mock_call *calls;
    size_t count;
};

static mock_calls *free_list(mock_calls *list)
{
    (void)json_object_put(list->documents); /* the last reference */
    free(list->calls);
    free(list->name);
    free(list);
    return NULL;
}

mock_calls *mock_calls_free(mock_calls *lists)
{
    while (lists) {
        mock_calls *next = lists->next;
        free_list(lists);
        lists = next;
    }
    return NULL;
}

static int add_calls(const mock_dir *dir, mock_calls *list, const char *name, lb_error *err)
{
    struct json_object *document = NULL;
    char full[4096];
    (void)snprintf(full, sizeof full, "%s/%s", dir->path, name); /* for messages only */
    mock_place place = {.file = full};
    int r = mock_json_read(dir, name, &document, err);
    if (r < 0)
        return r;
    if (!list->documents)
        list->documents = json_object_new_array();
    if (json_object_array_add(list->documents, document) != 0) {
        (void)json_object_put(document); /* ours alone */
        return lb_out_of_memory(err);
    }
    if (!json_object_is_type(document, json_type_array))
        return mock_bad(err, &place, "see the guide to fixtures", "it is not a list of calls");
    size_t count = json_object_array_length(document);
    mock_call *calls = reallocarray(list->calls, list->count + count + 1, sizeof *calls);
    if (!calls)
        return lb_out_of_memory(err);
    list->calls = calls;
    for (size_t i = 0; r == 0 && i < count; i++) {
        (void)snprintf(place.where, sizeof place.where, "call %zu", i + 1); /* the room is ample */
        calls[list->count] = (mock_call){0};
        r = mock_call_read(json_object_array_get_idx(document, i), &place, &calls[list->count], err);
        list->count += r == 0;
    }
    return r;
}

static int is_json_file(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return entry->d_name[0] != '.' && length > 5 && strcmp(entry->d_name + length - 5, ".json") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Every NAME/FILE.json, in the order of their names' bytes. */
static int add_call_directory(const mock_dir *dir, mock_calls *list, lb_error *err)
{
    struct dirent **entries = NULL;
    int fd = mock_open_below(dir, list->name, O_DIRECTORY, err);
    if (fd < 0)
        return fd == LB_ERR_NOT_FOUND ? 0 : fd;
    int count = scandirat(fd, ".", &entries, is_json_file, by_bytes), r = 0;
    if (count < 0)
        r = lb_fail(err, LB_ERR_IO, NULL, "cannot list %s/%s: %s", dir->path, list->name, strerror(errno));
    (void)close(fd); /* only read from */
    for (int i = 0; i < count; i++) {
        char name[400];
        (void)snprintf(name, sizeof name, "%s/%s", list->name, entries[i]->d_name); /* names have at most 255 bytes */
        if (r == 0)
            r = add_calls(dir, list, name, err);
        free(entries[i]);
    }
    free(entries);
    return r;
}

static int read_list(const mock_dir *dir, mock_calls *list, lb_error *err)
{
    char file[128];
    (void)snprintf(file, sizeof file, "%s.json", list->name); /* names are held short */
    int r = add_calls(dir, list, file, err);
    return r == 0 || r == LB_ERR_NOT_FOUND ? add_call_directory(dir, list, err) : r;
}

/* NULL: err. */
static mock_calls *find_list(mock_calls **lists, const mock_dir *dir, const char *name, lb_error *err)
{
    for (mock_calls *list = *lists; list; list = list->next)
        if (strcmp(list->name, name) == 0)
            return list;
    mock_calls *list = calloc(1, sizeof *list);
    if (!list || !(list->name = strdup(name))) {
        free(list);
        (void)lb_out_of_memory(err); /* fills it */
        return NULL;
    }
    if (read_list(dir, list, err) < 0)
        return free_list(list);
    list->next = *lists;
    *lists = list;
    return list;
}

static bool has_pair(const char *query, const char *pair, size_t length)
{
    for (const char *p = query;; p++) {
        size_t n = strcspn(p, "&");
        if (n == length && memcmp(p, pair, n) == 0)
            return true;
        p += n;
        if (*p == '\0')
            return false;
    }
}

/* Every name=value of the fixture's query is in the request's, in any order. */
static bool matches_query(const char *want, const char *have)
{
    if (!want)
        return true;
    for (const char *p = want; *p;) {
        size_t n = strcspn(p, "&");
        if (n && !has_pair(have ? have : "", p, n))
            return false;
        p += n + (p[n] == '&');
    }
    return true;
}

/* What neither side mentions is equal: no query and an empty one, no body and null. */
static bool is_exactly(const mock_call *c, const lb_request *request, struct json_object *body)
{
    return strcmp(c->query ? c->query : "", request->query ? request->query : "") == 0 &&
           mock_json_matches(c->body, body) && mock_json_matches(body, c->body);
}

static bool matches_call(const mock_call *c, const lb_request *request, struct json_object *body)
{
    return strcmp(c->method, request->method) == 0 && pattern_matches(c->path, request->path) &&
           matches_query(c->query, request->query) && (!c->body || mock_json_matches(c->body, body)) &&
           (!c->exact || is_exactly(c, request, body));
}

static int no_call(const mock_dir *dir, const char *name, const lb_request *request, bool used_up, lb_error *err)
{
    (void)lb_fail(err, LB_ERR_NOT_FOUND, NULL, "%s for %s %.200s%s%.100s in %.120s",
                  used_up ? "every call is used up" : "no call", request->method, request->path,
                  request->query ? "?" : "", request->query ? request->query : "", dir->path);
    (void)snprintf(err->hint, sizeof err->hint, "add it to %.120s/%.70s.json, or record it (--record)", dir->path,
                   name); /* cut */
    return err->code;
}

int mock_calls_find(mock_calls **lists, const mock_dir *dir, const char *name, const lb_request *request,
                    const mock_call **ret_call, lb_error *err)
{
    bool used_up = false;
    mock_calls *list = find_list(lists, dir, name, err);
    if (!list)
        return err->code;
    struct json_object *body = request->body ? json_tokener_parse(request->body) : NULL;
    mock_call *found = NULL;
    for (size_t i = 0; i < list->count && !found; i++) {
        mock_call *c = &list->calls[i];
        if (!matches_call(c, request, body))
            continue;
        if (c->left == 0)
            used_up = true;
        else
            found = c;
    }
    (void)json_object_put(body); /* ours alone */
    if (!found)
        return no_call(dir, name, request, used_up, err);
    found->left -= found->left > 0;
    *ret_call = found;
    return 0;
}
