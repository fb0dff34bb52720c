#include "mock_fixtures.h"

#include "pattern.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct statement_file {
    struct statement_file *next;
    const char *folder; /* sql or history */
    char *name;         /* of the statement */
    struct json_object *document;
    mock_case *cases;
    size_t count;
} statement_file;

struct mock_store {
    char *path;
    mock_dir dir;
    statement_file *statements;
    mock_calls *calls;
    struct json_object *server_document;
    mock_server *servers;
    size_t server_count;
    bool has_servers;
};

/* ---- opening and closing ---- */

int mock_store_open(const char *path, mock_store **ret_store, lb_error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return lb_fail(err,
                       errno == EACCES   ? LB_ERR_DENIED
                       : errno == ENOENT ? LB_ERR_NOT_FOUND
                                         : LB_ERR_IO,
                       "give the directory that holds sql/ and control.json", "cannot open the fixtures in %s: %s",
                       path, strerror(errno));
    mock_store *store = calloc(1, sizeof *store);
    char *copy = strdup(path);
    if (!store || !copy) {
        free(store);
        free(copy);
        (void)close(fd); /* only read from */
        return lb_out_of_memory(err);
    }
    store->path = copy;
    store->dir = (mock_dir){.fd = fd, .path = copy};
    *ret_store = store;
    return 0;
}

static statement_file *free_statement(statement_file *file)
{
    for (size_t i = 0; i < file->count; i++)
        mock_case_done(&file->cases[i]);
    free(file->cases);
    (void)json_object_put(file->document); /* the last reference */
    free(file->name);
    free(file);
    return NULL;
}

mock_store *mock_store_free(mock_store *store)
{
    if (!store)
        return NULL;
    while (store->statements) {
        statement_file *next = store->statements->next;
        free_statement(store->statements);
        store->statements = next;
    }
    store->calls = mock_calls_free(store->calls);
    (void)json_object_put(store->server_document); /* the last reference */
    free(store->servers);
    (void)close(store->dir.fd); /* only read from */
    free(store->path);
    free(store);
    return NULL;
}

/* ---- statements ---- */

/* Two or more parts of [a-z0-9_]: whatever the name, the path stays below the directory. */
static bool is_statement_name(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > 200 || name[0] == '/' || name[length - 1] == '/' || strstr(name, "//"))
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_/") == length;
}

static int read_cases(statement_file *file, const char *path, lb_error *err)
{
    mock_place place = {.file = path};
    if (!json_object_is_type(file->document, json_type_array))
        return mock_bad(err, &place, "see the guide to fixtures", "it is not a list of cases");
    size_t count = json_object_array_length(file->document);
    file->cases = calloc(count + 1, sizeof *file->cases);
    if (!file->cases)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(place.where, sizeof place.where, "case %zu", i + 1); /* the room is ample */
        file->count = i + 1;
        int r = mock_case_read(json_object_array_get_idx(file->document, i), &place, &file->cases[i], err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* NULL: err. */
static statement_file *load_statement(mock_store *store, const char *folder, const char *name, lb_error *err)
{
    char path[256], full[4096];
    (void)snprintf(path, sizeof path, "%s/%s.json", folder, name); /* names are held short */
    (void)snprintf(full, sizeof full, "%s/%s", store->path, path); /* for messages only */
    statement_file *file = calloc(1, sizeof *file);
    if (!file || !(file->name = strdup(name))) {
        free(file);
        (void)lb_out_of_memory(err); /* fills it */
        return NULL;
    }
    file->folder = folder;
    int r = mock_json_read(&store->dir, path, &file->document, err);
    if (r == 0)
        r = read_cases(file, full, err);
    if (r < 0)
        return free_statement(file);
    file->next = store->statements;
    store->statements = file;
    return file;
}

/* NULL: err. */
static statement_file *find_statement(mock_store *store, const char *folder, const char *name, lb_error *err)
{
    for (statement_file *file = store->statements; file; file = file->next)
        if (strcmp(file->folder, folder) == 0 && strcmp(file->name, name) == 0)
            return file;
    if (!is_statement_name(name)) {
        (void)lb_fail(err, LB_ERR_INVALID, "names are a-z, 0-9, _ and / between them", "\"%s\" is no statement's name",
                      name);
        return NULL;
    }
    statement_file *file = load_statement(store, folder, name, err);
    if (!file && err->code == LB_ERR_NOT_FOUND) {
        (void)lb_fail(err, LB_ERR_NOT_FOUND, NULL, "there is no fixture for the statement %s", name); /* fills it */
        (void)snprintf(err->hint, sizeof err->hint, "write %.160s/%s/%s.json, or record it (--record)", store->path,
                       folder, name); /* cut */
    }
    return file;
}

/* ---- matching ---- */

static bool matches_name(const char *pattern, const char *name)
{
    return !pattern || pattern_matches(pattern, name ? name : "");
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Equal but for the amount of white space; a fixture may be laid out for reading. */
static bool same_statement(const char *a, const char *b)
{
    for (;;) {
        bool blank = false, other_blank = false;
        for (; is_space(*a); a++)
            blank = true;
        for (; is_space(*b); b++)
            other_blank = true;
        if (*a == '\0' && *b == '\0')
            return true;
        if (blank != other_blank || *a != *b)
            return false;
        a++;
        b++;
    }
}

static bool matches_case(const mock_case *c, const lb_command *command, struct json_object *args, const char *project,
                         const char *branch)
{
    return matches_name(c->project, project) && matches_name(c->branch, branch) &&
           (!c->text || same_statement(c->text, command->text)) && (!c->args || mock_json_matches(c->args, args)) &&
           (!c->exact || !c->args || mock_json_matches(args, c->args));
}

static int no_case(const mock_store *store, const char *folder, const lb_command *command, struct json_object *args,
                   const char *project, const char *branch, bool used_up, lb_error *err)
{
    const char *text = json_object_to_json_string_ext(args, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    return lb_fail(err, LB_ERR_NOT_FOUND,
                   used_up ? "raise \"times\", or let the last case answer always" : "add a case for them",
                   "%.200s/%s/%.80s.json: %s for target %.40s/%.40s and arguments %.120s", store->path, folder,
                   command->name, used_up ? "every case is used up" : "no case", project ? project : "",
                   branch ? branch : "", text ? text : "{}");
}

static int find_case(mock_store *store, statement_file *file, const lb_command *command, const char *project,
                     const char *branch, const mock_case **ret_case, lb_error *err)
{
    bool used_up = false;
    struct json_object *args = mock_json_values(command->args);
    mock_case *found = NULL;
    for (size_t i = 0; i < file->count && !found; i++) {
        mock_case *c = &file->cases[i];
        if (!matches_case(c, command, args, project, branch))
            continue;
        if (c->left == 0)
            used_up = true;
        else
            found = c;
    }
    int r = found ? 0 : no_case(store, file->folder, command, args, project, branch, used_up, err);
    (void)json_object_put(args); /* ours alone */
    if (!found)
        return r;
    found->left -= found->left > 0;
    *ret_case = found;
    return 0;
}

int mock_find_case(mock_store *store, const lb_command *command, const char *project, const char *branch,
                   const mock_case **ret_case, lb_error *err)
{
    statement_file *file = find_statement(store, "sql", command->name, err);
    return file ? find_case(store, file, command, project, branch, ret_case, err) : err->code;
}

int mock_find_history(mock_store *store, const lb_command *command, const char *project, const char *branch,
                      const mock_case **ret_case, lb_error *err)
{
    statement_file *file = find_statement(store, "history", command->name, err);
    *ret_case = NULL;
    if (!file)
        return err->code == LB_ERR_NOT_FOUND ? 0 : err->code;
    return find_case(store, file, command, project, branch, ret_case, err);
}

/* ---- the control plane, and web services ---- */

int mock_find_call(mock_store *store, const lb_request *request, const mock_call **ret_call, lb_error *err)
{
    return mock_calls_find(&store->calls, &store->dir, "control", request, ret_call, err);
}

int mock_find_http(mock_store *store, const char *service, const lb_request *request, const mock_call **ret_call,
                   lb_error *err)
{
    char name[80];
    if (strspn(service, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(service) || strlen(service) > 63)
        return lb_fail(err, LB_ERR_INVALID, "names are a-z, 0-9 and _", "\"%.100s\" is no web service's name", service);
    (void)snprintf(name, sizeof name, "http/%s", service); /* fits */
    return mock_calls_find(&store->calls, &store->dir, name, request, ret_call, err);
}

/* ---- servers ---- */

static int read_servers(mock_store *store, lb_error *err)
{
    char full[4096];
    (void)snprintf(full, sizeof full, "%s/targets.json", store->path); /* for messages only */
    mock_place place = {.file = full};
    if (!json_object_is_type(store->server_document, json_type_array))
        return mock_bad(err, &place, "see the guide to fixtures", "it is not a list of targets");
    size_t count = json_object_array_length(store->server_document);
    store->servers = calloc(count + 1, sizeof *store->servers);
    if (!store->servers)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(place.where, sizeof place.where, "target %zu", i + 1); /* the room is ample */
        int r = mock_server_read(json_object_array_get_idx(store->server_document, i), &place, &store->servers[i], err);
        if (r < 0)
            return r;
    }
    store->server_count = count;
    return 0;
}

static int load_servers(mock_store *store, lb_error *err)
{
    if (store->has_servers)
        return 0;
    int r = mock_json_read(&store->dir, "targets.json", &store->server_document, err);
    if (r == 0)
        r = read_servers(store, err);
    if (r < 0 && r != LB_ERR_NOT_FOUND) {
        (void)json_object_put(store->server_document); /* the last reference */
        free(store->servers);
        store->server_document = NULL;
        store->servers = NULL;
        return r;
    }
    store->has_servers = true;
    return 0;
}

int mock_find_server(mock_store *store, const char *project, const char *branch, const mock_server **ret_server,
                     lb_error *err)
{
    int r = load_servers(store, err);
    if (r < 0)
        return r;
    *ret_server = NULL;
    for (size_t i = 0; i < store->server_count && !*ret_server; i++) {
        mock_server *s = &store->servers[i];
        if (s->left == 0 || !matches_name(s->project, project) || !matches_name(s->branch, branch))
            continue;
        s->left -= s->left > 0;
        *ret_server = s;
    }
    return 0;
}
