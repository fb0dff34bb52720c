/* main.c: lbops-sqlc, the compiler of the SQL catalogue.
 *
 * Exit codes: 0 done, 1 problems or a failure (on standard error), 2 wrong usage. */
#include "fs.h"
#include "sqlc.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#define OUTPUT_MAX ((size_t)16 * 1024 * 1024)

typedef struct options {
    const char *root, *name, *output;
    bool check, list;
} options;

typedef struct names {
    char **items;
    size_t count, capacity;
} names;

static int usage(const char *wrong)
{
    if (wrong)
        (void)fprintf(stderr, "lbops-sqlc: %s\n", wrong);
    (void)fputs("usage: lbops-sqlc --root DIR --name FAMILY/NAME --output FILE   one statement as a C header\n"
                "       lbops-sqlc --root DIR --check                            all problems of all statements\n"
                "       lbops-sqlc --root DIR --list                             a line of JSON for each statement\n",
                wrong ? stderr : stdout);
    return wrong ? 2 : 0;
}

static int fail(const lb_error *err)
{
    (void)fprintf(stderr, "lbops-sqlc: %s\n", err->message);
    if (err->hint[0])
        (void)fprintf(stderr, "  hint: %s\n", err->hint);
    return 1;
}

/* ---- finding the files --------------------------------------------------------------------------------------------
 */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool drop_suffix(char *name)
{
    size_t length = strlen(name);
    if (length < 4 || strcmp(name + length - 4, ".sql") != 0)
        return false;
    name[length - 4] = '\0';
    return true;
}

static void add_name(sqlc *c, names *found, const char *folder, const char *entry)
{
    char *name = sqlc_printf(c, "%s%s%s", folder, *folder ? "/" : "", entry);
    if (!drop_suffix(name))
        return;
    BASE_PUSH(found->items, found->count, found->capacity);
    found->items[found->count++] = name;
}

/* Names of all .sql files below folder (relative to the root), to any depth: one in the wrong place is a problem, not
 * hidden. */
static int find_names(sqlc *c, const char *folder, names *found, lb_error *err)
{
    const char *path = *folder ? sqlc_printf(c, "%s/%s", c->root, folder) : c->root;
    DIR *dir = opendir(path);
    if (!dir)
        return fs_fail(err, errno, "read", path);
    int r = 0;
    for (struct dirent *entry; r == 0 && (entry = readdir(dir));) {
        const char *inner = *folder ? sqlc_printf(c, "%s/%s", folder, entry->d_name) : entry->d_name;
        if (entry->d_name[0] == '.')
            continue;
        if (is_directory(sqlc_printf(c, "%s/%s", c->root, inner)))
            r = find_names(c, inner, found, err);
        else
            add_name(c, found, folder, entry->d_name);
    }
    (void)closedir(dir); /* only read from */
    return r;
}

/* ---- clashes ------------------------------------------------------------------------------------------------------
 */

/* Two statements must not need one name in C. */
static void check_clashes(sqlc *c, sql_statement *const *statements, size_t count)
{
    static const char *const suffixes[] = {"", "_sql", "_args", "_row", "_next", "_compose"};
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++)
            for (size_t n = 0; n < LB_COUNT(suffixes) && i != k; n++)
                if (strcmp(sqlc_printf(c, "%s%s", statements[i]->c_name, suffixes[n]), statements[k]->c_name) == 0)
                    sqlc_problem(c, &statements[k]->file, 0, "rename one of them",
                                 "the C name %s is also made from %s.sql", statements[k]->c_name,
                                 statements[i]->full_name);
}

/* ---- the three commands -------------------------------------------------------------------------------------------
 */

static int write_output(const char *path, const buf *content, lb_error *err)
{
    LB_AUTO_FREE char *folder = base_strdup(path);
    LB_AUTO_FREE char *temporary = base_printf("%s.%ld.tmp", path, (long)getpid());
    char *slash = strrchr(folder, '/');
    if (slash && slash > folder) {
        *slash = '\0';
        if (fs_make_dirs(folder, err) < 0)
            return err->code;
    }
    FILE *file = fopen(temporary, "w");
    if (!file)
        return fs_fail(err, errno, "write", path);
    bool good = fwrite(content->data, 1, content->length, file) == content->length;
    good = fclose(file) == 0 && good;
    if (!good || rename(temporary, path) != 0) {
        int r = fs_fail(err, errno, "write", path);
        (void)unlink(temporary); /* it may be gone already */
        return r;
    }
    return 0;
}

static int compile_one(sqlc *c, const options *o)
{
    lb_error err;
    sql_statement *s = sqlc_parse(c, o->name);
    if (s)
        sqlc_check(c, s);
    if (c->problem_count)
        return 1;
    BUF_AUTO out = BUF_INIT(OUTPUT_MAX);
    emit_header(c, s, &out);
    if (out.overflow)
        return fail(&(lb_error){.message = "the header would be too long"});
    return write_output(o->output, &out, &err) < 0 ? fail(&err) : 0;
}

static int print_list(sql_statement *const *statements, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        BUF_AUTO line = BUF_INIT(OUTPUT_MAX);
        list_statement(statements[i], &line);
        if (line.overflow || fputs(buf_text(&line), stdout) < 0)
            return fail(&(lb_error){.message = "cannot write the list"});
    }
    return fflush(stdout) == 0 ? 0 : fail(&(lb_error){.message = "cannot write the list"});
}

static int compile_all(sqlc *c, const options *o)
{
    lb_error err;
    names found = {0};
    size_t count = 0;
    if (find_names(c, "", &found, &err) < 0) {
        free(found.items);
        return fail(&err);
    }
    if (found.count)
        qsort(found.items, found.count, sizeof *found.items, compare_names);
    sql_statement **statements = sqlc_alloc(c, (found.count + 1) * sizeof(sql_statement *));
    for (size_t i = 0; i < found.count; i++) {
        sql_statement *s = sqlc_parse(c, found.items[i]);
        if (!s)
            continue;
        sqlc_check(c, s);
        statements[count++] = s;
    }
    free(found.items);
    check_clashes(c, statements, count);
    if (c->problem_count)
        return 1;
    return o->list ? print_list(statements, count) : 0;
}

/* ---- options ------------------------------------------------------------------------------------------------------
 */

/* NULL: fine; else what is wrong. */
static const char *read_options(int argc, char **argv, options *o)
{
    for (int i = 1; i < argc; i++) {
        const char **value = strcmp(argv[i], "--root") == 0     ? &o->root
                             : strcmp(argv[i], "--name") == 0   ? &o->name
                             : strcmp(argv[i], "--output") == 0 ? &o->output
                                                                : NULL;
        if (value && i + 1 == argc)
            return "an option without its value";
        if (value)
            *value = argv[++i];
        else if (strcmp(argv[i], "--check") == 0)
            o->check = true;
        else if (strcmp(argv[i], "--list") == 0)
            o->list = true;
        else
            return "an unknown option";
    }
    if (!o->root)
        return "--root is missing";
    if (o->check + o->list + (o->name != NULL) != 1)
        return "one of --name, --check and --list is wanted";
    return !o->name != !o->output ? "--name and --output belong together" : NULL;
}

int main(int argc, char **argv)
{
    options o = {0};
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(NULL);
    const char *wrong = read_options(argc, argv, &o);
    if (wrong)
        return usage(wrong);
    sqlc c = {.root = o.root};
    int status = o.name ? compile_one(&c, &o) : compile_all(&c, &o);
    sqlc_print_problems(&c);
    sqlc_done(&c);
    return status;
}
