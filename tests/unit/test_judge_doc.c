/* etc/migration-rules.md lists the rules that migrations are judged by, as the code has them. With LBOPS_WRITE=1 the
 * list is written anew. */
#include "judge.h"

#include "buf.h"
#include "suite.h"

#include <stdio.h>

#define HEAD "| rule | danger | what happens | the safe form |\n|---|---|---|---|\n"

/* A cell of a table: "|" begins another one. */
static void put_cell(buf *b, const char *text)
{
    for (const char *p = text; *p; p++)
        buf_printf(b, *p == '|' ? "\\%c" : "%c", *p);
}

static void put_rules(buf *b)
{
    buf_puts(b, HEAD);
    for (int i = 0; i < JUDGE_RULES; i++) {
        const judge_rule *rule = judge_rule_of((judge_rule_id)i);
        buf_printf(b, "| `%s` | %s%s | ", rule->id, judge_severity_name(rule->severity),
                   rule->refuses ? ", refused" : "");
        put_cell(b, rule->doc);
        buf_puts(b, " | ");
        put_cell(b, rule->safe);
        buf_puts(b, " |\n");
    }
}

static void read_all(FILE *f, buf *b)
{
    char part[4096];
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        buf_put(b, part, n);
}

static void write_anew(const char *path, const buf *before, const buf *rules)
{
    FILE *f = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT(fwrite(before->data, 1, before->length, f) == before->length);
    CU_ASSERT(fwrite(rules->data, 1, rules->length, f) == rules->length);
    CU_ASSERT(fclose(f) == 0);
}

static void the_list_is_the_codes(void)
{
    static const char path[] = LBOPS_SOURCE_DIR "/etc/migration-rules.md";
    BUF_AUTO text = BUF_INIT(1 << 20);
    BUF_AUTO rules = BUF_INIT(1 << 20);
    FILE *f = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    read_all(f, &text);
    (void)fclose(f);
    put_rules(&rules);
    const char *table = strstr(buf_text(&text), HEAD);
    CU_ASSERT_PTR_NOT_NULL_FATAL(table);
    if (getenv("LBOPS_WRITE")) {
        buf_cut(&text, (size_t)(table - buf_text(&text)));
        write_anew(path, &text, &rules);
        return;
    }
    CU_ASSERT_STRING_EQUAL(table, buf_text(&rules)); /* LBOPS_WRITE=1 writes it */
}

SUITE(judge_doc, TEST(the_list_is_the_codes))
