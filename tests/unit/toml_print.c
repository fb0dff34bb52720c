/* toml_print: TOML on standard input as JSON on standard output, each scalar with its kind, for toml_oracle.py to
 * compare. Documents follow each other, each behind its length in bytes and a line feed; a line answers each of them.
 */
#include "json.h"
#include "toml.h"

static void put(buf *b, const toml_node *node)
{
    switch (node->kind) {
    case TOML_TABLE:
    case TOML_ARRAY:
        buf_putc(b, node->kind == TOML_TABLE ? '{' : '[');
        for (size_t i = 0; i < node->v.list.count; i++) {
            json_comma(b);
            if (node->kind == TOML_TABLE) {
                json_string(b, node->v.list.items[i].key);
                buf_putc(b, ':');
            }
            put(b, &node->v.list.items[i]);
        }
        buf_putc(b, node->kind == TOML_TABLE ? '}' : ']');
        break;
    case TOML_STRING:
    case TOML_TIME:
        buf_puts(b, node->kind == TOML_STRING ? "[\"string\"," : "[\"time\",");
        json_string(b, node->v.text.data);
        buf_putc(b, ']');
        break;
    case TOML_INTEGER:
        buf_printf(b, "[\"integer\",\"%lld\"]", (long long)node->v.i64);
        break;
    case TOML_FLOAT:
        buf_puts(b, "[\"float\",");
        json_double(b, node->v.f64);
        buf_putc(b, ']');
        break;
    case TOML_BOOLEAN:
        buf_puts(b, node->v.flag ? "[\"boolean\",true]" : "[\"boolean\",false]");
        break;
    }
}

static void answer(const char *text, size_t length)
{
    toml_node *root = NULL;
    toml_fault fault;
    BUF_AUTO out = BUF_INIT(1 << 24);
    if (toml_parse(text, length, &root, &fault) == 0)
        put(&out, root);
    else
        buf_printf(&out, "null");
    toml_free(root);
    (void)puts(buf_text(&out)); /* the reader notices a short answer */
}

int main(void)
{
    char line[32];
    while (fgets(line, sizeof line, stdin)) {
        size_t length = strtoul(line, NULL, 10);
        LB_AUTO_FREE char *text = base_alloc(length + 1);
        if (fread(text, 1, length, stdin) != length)
            return 1;
        answer(text, length);
    }
    return 0;
}
