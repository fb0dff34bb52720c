/* judge_figures FILES STATEMENTS: the time of a processor that it takes to judge that many files of that many
 * statements; seconds, one line on stdout. The statements are a mix of what migrations hold: tables, columns, indexes,
 * keys, rows, a function.
 */
#include "buf.h"
#include "clock.h"
#include "judge.h"

static void put_statement(buf *into, int n)
{
    switch (n % 5) {
    case 0:
        buf_printf(into,
                   "CREATE TABLE IF NOT EXISTS app.t%d (id bigint PRIMARY KEY, name text NOT NULL DEFAULT '', at "
                   "timestamptz DEFAULT now());\n",
                   n);
        break;
    case 1:
        buf_printf(into, "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS c%d int DEFAULT 7;\n", n);
        break;
    case 2:
        buf_printf(into, "CREATE INDEX CONCURRENTLY IF NOT EXISTS i%d ON app.orders (c%d);\n", n, n);
        break;
    case 3:
        buf_printf(into, "INSERT INTO app.kinds (id, name) VALUES (%d, 'one'), (2, 'two') ON CONFLICT DO NOTHING;\n",
                   n);
        break;
    default:
        buf_printf(into,
                   "CREATE OR REPLACE FUNCTION app.f%d(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN IF n > 0 THEN "
                   "UPDATE app.orders SET total = n WHERE id = n; END IF; RETURN n; END $$;\n",
                   n);
    }
}

static bool judge_one(const char *text, size_t statements)
{
    arena memory;
    judgement done = {0};
    lb_error err = {0};
    arena_init(&memory, 0);
    bool ok = judge_file(text, 17, &memory, &done, &err) >= 0 && done.count == statements;
    arena_done(&memory);
    return ok;
}

int main(int argc, char **argv)
{
    size_t files = argc == 3 ? strtoul(argv[1], NULL, 10) : 0, statements = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    bool ok = files && statements;
    BUF_AUTO text = BUF_INIT((size_t)16 * 1024 * 1024);
    for (size_t i = 0; i < statements; i++)
        put_statement(&text, (int)i);
    int64_t began = clock_cpu();
    for (size_t i = 0; ok && i < files; i++)
        ok = judge_one(buf_text(&text), statements);
    printf("%.3f\n", (double)(clock_cpu() - began) / 1e6);
    return ok ? 0 : 1;
}
