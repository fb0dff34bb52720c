/* Descriptions as a hostile probe might print them. What is accepted must be written again as something that is
 * accepted and says the same, and its parameters must bind. */
#include "json.h"
#include "spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_binding(const plugin_spec *spec)
{
    lb_error err;
    arena memory;
    if (spec->args_size > 1 << 16)
        return;
    arena_init(&memory, 1 << 20);
    void *args = base_alloc(spec->args_size); /* of exactly that size: a store past it is seen */
    int r = params_bind(spec->name, spec_params(spec), NULL, 0, args, spec->args_size, &memory, &err);
    if (r < 0 && r != LB_ERR_INVALID && r != LB_ERR_NO_MEMORY) /* a required one is missing */
        abort();
    free(args);
    arena_done(&memory);
}

static void check_documents(const plugin_spec *spec)
{
    lb_error err;
    void (*const writers[])(buf *, param_rows) = {params_json, params_schema};
    BUF_AUTO text = BUF_INIT(1 << 22);
    for (size_t i = 0; i < LB_COUNT(writers); i++) {
        buf_clear(&text);
        writers[i](&text, spec_params(spec));
        if (!text.overflow && json_check(buf_text(&text), text.length, &err) < 0)
            abort();
    }
    buf_clear(&text);
    params_help(&text, spec_params(spec));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lb_error err;
    plugin_spec *spec = spec_read((const char *)data, size, &err);
    if (!spec)
        return 0;
    BUF_AUTO once = BUF_INIT(1 << 22);
    BUF_AUTO again = BUF_INIT(1 << 22);
    spec_write_again(&once, spec);
    plugin_spec *copy = spec_read(buf_text(&once), once.length, &err);
    if (!copy)
        abort();
    spec_write_again(&again, copy);
    if (strcmp(buf_text(&once), buf_text(&again)) != 0)
        abort();
    check_binding(spec);
    check_documents(spec);
    spec_free(copy);
    spec_free(spec);
    return 0;
}
