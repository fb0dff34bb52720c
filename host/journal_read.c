#include "journal_read.h"

#include "json.h"
#include "outbox.h"
#include "tables.h"

#include <dirent.h>
#include <errno.h>

#define FILE_LIMIT ((size_t)1 << 30)

/* ---- names: <run>-<id>.<kind>; neither run nor id has a '-' or a '.' ---- */

static bool split_name(const char *name, size_t *ret_run, size_t *ret_id, bool *ret_outcome)
{
    size_t run = strcspn(name, "-.");
    if (!run || name[run] != '-')
        return false;
    const char *id = name + run + 1;
    size_t length = strcspn(id, "-.");
    if (!length || length >= ID_TEXT || id[length] != '.')
        return false;
    bool is_outcome = strcmp(id + length + 1, OUTBOX_OUTCOME) == 0;
    if (!is_outcome && strcmp(id + length + 1, OUTBOX_INTENT) != 0)
        return false;
    *ret_run = run;
    *ret_id = length;
    *ret_outcome = is_outcome;
    return true;
}

static int by_text(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

static int by_name(const void *a, const void *b)
{
    const journal_file *x = a, *y = b;
    return strcmp(x->name, y->name);
}

int journal_list(const char *dir, char ***ret_runs, lb_error *err)
{
    char **runs = NULL;
    size_t count = 0, capacity = 0, kept = 0, run, id;
    bool is_outcome;
    DIR *d = opendir(dir);
    if (!d && errno != ENOENT)
        return fs_fail(err, errno, "open directory", dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (!split_name(e->d_name, &run, &id, &is_outcome))
            continue;
        BASE_PUSH(runs, count, capacity); /* NOLINT(bugprone-sizeof-expression): the elements are pointers */
        runs[count++] = base_printf("%.*s", (int)run, e->d_name);
    }
    if (d)
        (void)closedir(d); /* was only read */
    if (count)
        qsort(runs, count, sizeof *runs, by_text);
    for (size_t i = 0; i < count; i++) {
        if (kept && strcmp(runs[kept - 1], runs[i]) == 0)
            free(runs[i]);
        else
            runs[kept++] = runs[i];
    }
    BASE_PUSH(runs, kept, capacity); /* NOLINT(bugprone-sizeof-expression): the elements are pointers */
    runs[kept] = NULL;
    *ret_runs = runs;
    return 0;
}

void journal_list_free(char **runs)
{
    for (char **run = runs; run && *run; run++)
        free(*run);
    free(runs);
}

static int find_files(const char *dir, journal_book *book, lb_error *err)
{
    size_t run, id, length = strlen(book->run_id);
    bool is_outcome;
    DIR *d = opendir(dir);
    if (!d)
        return errno == ENOENT ? 0 : fs_fail(err, errno, "open directory", dir);
    for (struct dirent *e; (e = readdir(d));) {
        if (!split_name(e->d_name, &run, &id, &is_outcome) || run != length ||
            strncmp(e->d_name, book->run_id, run) != 0)
            continue;
        BASE_PUSH(book->files, book->file_count, book->file_capacity);
        book->files[book->file_count++] = (journal_file){.name = base_strdup(e->d_name),
                                                         .id = base_printf("%.*s", (int)id, e->d_name + run + 1),
                                                         .is_outcome = is_outcome};
    }
    (void)closedir(d); /* was only read */
    if (book->file_count)
        qsort(book->files, book->file_count, sizeof *book->files, by_name);
    return 0;
}

/* ---- rows ---- */

static const char *text_of(struct json_object *row, const char *name)
{
    struct json_object *member = NULL;
    return json_object_object_get_ex(row, name, &member) && json_object_is_type(member, json_type_string)
               ? json_object_get_string(member)
               : NULL;
}

static journal_row *find_row(journal_book *book, const char *audit_id)
{
    for (size_t i = book->count; i > 0; i--)
        if (strcmp(book->rows[i - 1].change.audit_id, audit_id) == 0)
            return &book->rows[i - 1];
    return NULL;
}

/* An outcome without its intent is what a forgetting left; it has nothing to say any more. */
static bool take_row(journal_book *book, const journal_file *file, struct json_object *row)
{
    const char *audit_id = text_of(row, "audit_id"), *phase = text_of(row, "phase");
    if (!audit_id || !phase)
        return false;
    journal_row *known = find_row(book, audit_id);
    if (file->is_outcome) {
        if (known) {
            known->change.outcome = text_of(row, "outcome");
            known->change.error_message = text_of(row, "error_message");
        }
        return true;
    }
    BASE_PUSH(book->rows, book->count, book->capacity);
    book->rows[book->count++] = (journal_row){
        .change = {.audit_id = audit_id,
                   .run_id = text_of(row, "run_id"),
                   .tool = text_of(row, "tool"),
                   .kind = text_of(row, "kind"),
                   .statement = text_of(row, "statement"),
                   .group_title = text_of(row, "group_title"),
                   .actor = text_of(row, "actor"),
                   .project = text_of(row, "project_id"),
                   .branch = text_of(row, "branch_id"),
                   .approval_id = text_of(row, "approval_id")},
        .file_id = file->id,
        .actor_kind = text_of(row, "actor_kind"),
        .reason = text_of(row, "reason"),
        .effect = text_of(row, "effect"),
        .branch_class = text_of(row, "branch_class"),
        .decision = text_of(row, "decision"),
        .undo = text_of(row, "undo"),
    };
    const journal_change *c = &book->rows[book->count - 1].change;
    return c->run_id && c->tool && c->kind && c->statement;
}

static int damaged(const char *path, lb_error *err)
{
    return lb_fail(err, LB_ERR_IO,
                   "look at the file, then move it away: it tells of changes whose outcome may be unknown",
                   "%s is damaged", path);
}

static void keep_document(journal_book *book, struct json_object *document)
{
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): the elements are pointers */
    BASE_PUSH(book->documents, book->document_count, book->document_capacity);
    book->documents[book->document_count++] = document;
}

/* The head says how many rows follow it. */
static int take_lines(journal_book *book, const journal_file *file, const char *path, char *text, lb_error *err)
{
    int64_t announced = -1, rows = 0;
    for (char *line = text, *end; *line; line = end + 1) {
        struct json_object *number = NULL;
        if (!(end = strchr(line, '\n')))
            return damaged(path, err);
        struct json_object *row = json_parse(line, (size_t)(end - line), err);
        if (!row)
            return damaged(path, err);
        keep_document(book, row);
        if (announced < 0 && json_object_object_get_ex(row, "rows", &number))
            announced = json_object_get_int64(number);
        else if (take_row(book, file, row))
            rows++;
        else
            return damaged(path, err);
    }
    return announced == rows ? 0 : damaged(path, err);
}

static int read_file(const char *dir, journal_book *book, const journal_file *file, lb_error *err)
{
    LB_AUTO_FREE char *path = base_printf("%s/%s", dir, file->name), *text = NULL;
    size_t length = 0;
    int r = fs_read(path, FILE_LIMIT, &text, &length, err);
    if (r == LB_ERR_NOT_FOUND)
        return 0; /* forgotten in this moment */
    return r < 0 ? r : take_lines(book, file, path, text, err);
}

int journal_read(const char *dir, const char *run_id, journal_book **ret_book, lb_error *err)
{
    journal_book *book = base_alloc(sizeof *book);
    book->run_id = base_strdup(run_id);
    int r = find_files(dir, book, err);
    for (int outcomes = 0; outcomes < 2; outcomes++) /* intents first: each outcome finds its own */
        for (size_t i = 0; i < book->file_count && r >= 0; i++)
            if (book->files[i].is_outcome == (outcomes == 1))
                r = read_file(dir, book, &book->files[i], err);
    if (r < 0) {
        (void)journal_book_free(book); /* gives NULL */
        return r;
    }
    *ret_book = book;
    return 0;
}

journal_book *journal_book_free(journal_book *book)
{
    if (!book)
        return NULL;
    for (size_t i = 0; i < book->document_count; i++)
        (void)json_object_put(book->documents[i]); /* the only reference */
    for (size_t i = 0; i < book->file_count; i++) {
        free(book->files[i].name);
        free(book->files[i].id);
    }
    free(book->documents);
    free(book->rows);
    free(book->files);
    free(book->run_id);
    free(book);
    return NULL;
}
