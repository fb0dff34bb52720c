/* The sum of a directory of migrations: a line for each file with its checksum, and with a sum that runs over the names
 * and checksums up to there. Two branches that each add a file change the same lines, so that git asks who comes first
 * before a server does. Line ends, paths and times are in no sum. */
#include "migration.h"

#include "fs.h"

#define MOST_SUM_BYTES ((size_t)4 << 20)

#define HINT                                                                                                           \
    "look at the order of the files, then make it anew: lbops --json run test_migration_on_branch --dir DIR --sum "    \
    "tell | "                                                                                                          \
    "jq -j .result.sum >DIR/lbops.sum"

static void add_file(sha256 *state, const migration_file *file)
{
    sha256_add(state, file->name, strlen(file->name));
    sha256_add(state, "\n", 1);
    sha256_add(state, file->checksum, strlen(file->checksum));
    sha256_add(state, "\n", 1);
}

static void running_sum(sha256 state, char text[SHA256_TEXT])
{
    sha256_end_text(&state, text); /* of a copy: it runs on */
}

int migration_sum_text(const migration_files *files, arena *memory, const char **ret_text, lb_error *err)
{
    static const char head[] = "# checksum, sum up to here, name: written by lbops, and not to be merged by hand\n";
    size_t room = sizeof head + SHA256_TEXT + 1, n = 0;
    char running[SHA256_TEXT];
    sha256 state;
    for (size_t i = 0; i < files->count; i++)
        room += 2 * (size_t)SHA256_TEXT + strlen(files->items[i].name) + 2;
    char *text = arena_alloc(memory, room);
    if (!text)
        return lb_out_of_memory(err);
    n = (size_t)snprintf(text, room, "%s", head);
    sha256_init(&state);
    for (size_t i = 0; i < files->count; i++) {
        add_file(&state, &files->items[i]);
        running_sum(state, running);
        n +=
            (size_t)snprintf(text + n, room - n, "%s %s %s\n", files->items[i].checksum, running, files->items[i].name);
    }
    running_sum(state, running);
    (void)snprintf(text + n, room - n, "%s\n", running); /* there is room for all of it */
    *ret_text = text;
    return 0;
}

/* ---- checking ---- */

typedef struct line {
    const char *text;
    size_t length;
    unsigned number;
} line;

static bool next_line(line *l)
{
    l->text += l->length;
    if (*l->text == '\n')
        l->text++;
    l->length = strcspn(l->text, "\n");
    l->number++;
    return *l->text != '\0';
}

static bool is_sum(const char *text)
{
    return strspn(text, "0123456789abcdef") == SHA256_TEXT - 1;
}

/* "checksum running name"; false: it is none. The name is the rest of the line, without a line end of Windows. */
static bool take_apart(const line *l, const char **ret_running, const char **ret_name, size_t *ret_length)
{
    const size_t sum = SHA256_TEXT - 1;
    size_t length = l->length - (l->length && l->text[l->length - 1] == '\r');
    *ret_running = l->text + sum + 1;
    *ret_name = l->text + 2 * (sum + 1);
    *ret_length = length > 2 * (sum + 1) ? length - 2 * (sum + 1) : 0;
    return *ret_length && is_sum(l->text) && l->text[sum] == ' ' && is_sum(*ret_running) && (*ret_running)[sum] == ' ';
}

static bool is_named(const migration_file *file, const char *name, size_t length)
{
    return strlen(file->name) == length && strncmp(file->name, name, length) == 0;
}

static const migration_file *find(const migration_files *files, const char *name, size_t length)
{
    for (size_t i = 0; files->items && i < files->count; i++)
        if (is_named(&files->items[i], name, length))
            return &files->items[i];
    return NULL;
}

static int differs(const line *l, const char *name, size_t length, const char *what, lb_error *err)
{
    return lb_fail(err, LB_ERR_CONFLICT, HINT, "%s, line %u: %.*s %s", MIGRATION_SUM_FILE, l->number,
                   (int)(length < 200 ? length : 200), name, what);
}

/* One line, and the file that comes next. */
static int check_line(const migration_files *files, size_t at, const line *l, sha256 *state, lb_error *err)
{
    const char *running = NULL, *name = NULL;
    size_t length = 0;
    char now[SHA256_TEXT];
    if (!take_apart(l, &running, &name, &length))
        return lb_fail(err, LB_ERR_INVALID, HINT, "%s, line %u: this is no sum of a file; was it merged by hand?",
                       MIGRATION_SUM_FILE, l->number);
    const migration_file *next = at < files->count ? &files->items[at] : NULL;
    const migration_file *file = next && is_named(next, name, length) ? next : find(files, name, length);
    if (!file)
        return differs(l, name, length, "is not in the directory", err);
    if (strncmp(file->checksum, l->text, SHA256_TEXT - 1) != 0)
        return differs(l, name, length, "has another text than when the sum was written", err);
    if (file != next)
        return differs(l, name, length, "does not come next: a file before it is in no sum, or the order is another",
                       err);
    add_file(state, file);
    running_sum(*state, now);
    return strncmp(now, running, SHA256_TEXT - 1) == 0
               ? 0
               : differs(l, name, length, "has a sum that does not follow from the lines before it", err);
}

int migration_sum_check(const migration_files *files, const char *text, lb_error *err)
{
    sha256 state;
    line l = {.text = text};
    size_t at = 0;
    char total[SHA256_TEXT];
    bool has_total = false;
    int r = 0;
    sha256_init(&state);
    while (r >= 0 && next_line(&l)) {
        size_t length = l.length - (l.length && l.text[l.length - 1] == '\r');
        if (!length || *l.text == '#')
            continue;
        if (length == SHA256_TEXT - 1 && is_sum(l.text)) { /* the last line: of all */
            running_sum(state, total);
            has_total = strncmp(total, l.text, length) == 0;
            r = has_total
                    ? 0
                    : differs(&l, "the last sum", strlen("the last sum"), "is not that of the lines before it", err);
        } else {
            r = check_line(files, at++, &l, &state, err);
        }
    }
    if (r < 0)
        return r;
    if (at < files->count)
        return lb_fail(err, LB_ERR_CONFLICT, HINT, "%s has no sum of %s", MIGRATION_SUM_FILE, files->items[at].name);
    return has_total ? 0 : lb_fail(err, LB_ERR_INVALID, HINT, "%s has no sum of all files", MIGRATION_SUM_FILE);
}

int migration_sum_hold(const migration_files *files, const char *directory, lb_error *err)
{
    LB_AUTO_FREE char *path = base_printf("%s/%s", directory, MIGRATION_SUM_FILE), *text = NULL;
    size_t length = 0;
    if (!path)
        return lb_out_of_memory(err);
    int r = fs_read(path, MOST_SUM_BYTES, &text, &length, err);
    if (r == LB_ERR_NOT_FOUND) /* nobody asked for one */
        return 0;
    return r < 0 ? r : migration_sum_check(files, text, err);
}
