#include "sqlc.h"

struct problem {
    const char *path;
    unsigned line, column;
    const char *message, *hint;
};

static void *required(void *memory)
{
    if (memory)
        return memory;
    (void)fputs("lbops-sqlc: out of memory\n", stderr);
    exit(1); /* a compiler without memory has nothing left to do */
}

void *sqlc_alloc(sqlc *c, size_t bytes)
{
    return required(arena_alloc(&c->memory, bytes));
}

char *sqlc_strndup(sqlc *c, const char *text, size_t length)
{
    return required(arena_strndup(&c->memory, text, length));
}

char *sqlc_printf(sqlc *c, const char *fmt, ...)
{
    BUF_AUTO text = BUF_INIT(SQLC_TEXT_MAX);
    char small[1024];
    va_list args;
    va_start(args, fmt);
    int length = vsnprintf(small, sizeof small, fmt, args);
    va_end(args);
    if (length >= 0 && (size_t)length < sizeof small)
        return sqlc_strndup(c, small, (size_t)length);
    va_start(args, fmt);
    char *room = length < 0 ? NULL : buf_reserve(&text, (size_t)length);
    if (room)
        (void)vsnprintf(room, (size_t)length + 1, fmt, args); /* measured above */
    va_end(args);
    return sqlc_strndup(c, required(room), (size_t)length);
}

void sqlc_problem(sqlc *c, const source *file, size_t offset, const char *hint, const char *fmt, ...)
{
    char message[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, fmt, args); /* a long message is cut */
    va_end(args);
    struct problem p = {.path = file->path, .line = 1, .column = 1};
    for (size_t i = 0; file->text && i < offset && i < file->length; i++) {
        bool newline = file->text[i] == '\n', within = ((unsigned char)file->text[i] & 0xC0) == 0x80;
        p.line += newline;
        p.column = newline ? 1 : p.column + !within; /* columns count characters */
    }
    p.message = sqlc_strndup(c, message, strlen(message));
    p.hint = hint ? sqlc_strndup(c, hint, strlen(hint)) : NULL;
    BASE_PUSH(c->problems, c->problem_count, c->problem_capacity);
    c->problems[c->problem_count++] = p;
}

static int compare_problems(const void *a, const void *b)
{
    const struct problem *p = a, *q = b;
    int r = strcmp(p->path, q->path);
    if (r == 0)
        r = (p->line > q->line) - (p->line < q->line);
    return r ? r : (p->column > q->column) - (p->column < q->column);
}

void sqlc_print_problems(sqlc *c)
{
    if (c->problem_count)
        qsort(c->problems, c->problem_count, sizeof *c->problems, compare_problems);
    for (size_t i = 0; i < c->problem_count; i++) {
        const struct problem *p = &c->problems[i];
        (void)fprintf(stderr, "%s:%u:%u: %s\n", p->path, p->line, p->column, p->message);
        if (p->hint)
            (void)fprintf(stderr, "  hint: %s\n", p->hint);
    }
}

void sqlc_done(sqlc *c)
{
    free(c->problems);
    arena_done(&c->memory);
}
