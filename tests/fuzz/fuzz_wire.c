/* fuzz_wire: whatever stands on the socket, reading it stays within the frame, and a job that is read has all its
 * required texts and no more elements than the frame could carry. */
#include "job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_args(const param_arg *args, size_t count)
{
    for (size_t i = 0; i < count; i++)
        require(args[i].name && args[i].text && strlen(args[i].name) + strlen(args[i].text) < SIZE_MAX / 2);
}

static void read_setup(wire_reader r, size_t size)
{
    arena memory;
    worker_setup setup;
    arena_init(&memory, WIRE_FRAME_LIMIT);
    if (job_get_setup(&r, &memory, &setup)) {
        require(setup.outbox_dir && setup.work_dir && setup.tool_count <= size && setup.rule_count <= size);
        require_args(setup.transport.args, setup.transport.arg_count);
        require_args(setup.http.args, setup.http.arg_count);
        for (size_t i = 0; i < setup.site_count; i++)
            require(setup.sites[i].name && setup.sites[i].url && setup.sites[i].kind);
        for (size_t i = 0; i < setup.tool_count; i++) {
            require(setup.tools[i].name && setup.tools[i].path);
            require_args(setup.tools[i].args, setup.tools[i].arg_count);
        }
        for (size_t i = 0; i < setup.set_count; i++) {
            require(setup.sets[i].tool && setup.sets[i].where);
            require_args(setup.sets[i].args, setup.sets[i].arg_count);
        }
    }
    require(memory.used <= 1024 + size * 16); /* a short frame cannot ask for much */
    arena_done(&memory);
}

static void read_run(wire_reader r, size_t size)
{
    arena memory;
    run_request request;
    int64_t deadline;
    arena_init(&memory, WIRE_FRAME_LIMIT);
    if (job_get_run(&r, &memory, &request, &deadline)) {
        require(request.tool && request.path && request.actor && strlen(request.id) < ID_TEXT);
        require_args(request.args, request.arg_count);
    }
    require(memory.used <= 1024 + size * 16);
    arena_done(&memory);
}

static void read_done(wire_reader r)
{
    const char *id = NULL;
    run_done done;
    if (!job_get_done(&r, &id, &done))
        return;
    require(id && done.result && done.status <= RUN_PENDING_APPROVAL && done.error.code <= 0);
    require(strlen(done.error.message) < sizeof done.error.message && strlen(done.error.hint) < sizeof done.error.hint);
}

/* The getters one after the other, as the data itself says. */
static void read_fields(wire_reader r)
{
    while (!r.bad && r.p < r.end) {
        const unsigned char *before = r.p;
        const char *text;
        switch (wire_get_u32(&r) % 4) {
        case 0:
            (void)wire_get_i64(&r); /* any number will do */
            break;
        case 1:
            (void)wire_get_bool(&r); /* either will do */
            break;
        case 2:
            text = wire_get_str(&r);
            require(!text || (const unsigned char *)text + strlen(text) < r.end);
            break;
        default:
            require(wire_get_required(&r) != NULL);
        }
        require(r.bad || (r.p > before && r.p <= r.end));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* On the heap and exactly as long: reading past the end is seen. */
    char *bytes = base_alloc(size ? size : 1);
    size_t at = 0, taken = 0;
    wire_type type;
    wire_reader r;
    if (size)
        memcpy(bytes, data, size);
    while (at < size && wire_frame(bytes + at, size - at, &type, &r, &taken) > 0) {
        require(taken >= WIRE_HEAD && taken <= size - at);
        require((const char *)r.p == bytes + at + WIRE_HEAD && (const char *)r.end == bytes + at + taken);
        read_setup(r, taken);
        read_run(r, taken);
        read_done(r);
        read_fields(r);
        at += taken;
    }
    /* Without a frame around them, which leaves the fuzzer more of its bytes. */
    r = (wire_reader){.p = (const unsigned char *)bytes, .end = (const unsigned char *)bytes + size};
    read_setup(r, size);
    read_run(r, size);
    read_done(r);
    read_fields(r);
    free(bytes);
    return 0;
}
