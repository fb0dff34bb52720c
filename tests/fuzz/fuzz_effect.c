/* Text that is or is not SQL, through the classifier: it answers or fails, and keeps its promises either way. */
#include "effect.h"
#include "effect_objects.h"
#include "gate.h"
#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_verdict(const effect_verdict *v)
{
    must(v->effect <= EFFECT_DESTRUCTIVE && v->statements > 0);
    must(memchr(v->why, '\0', sizeof v->why) && v->why[0]);
    must(json_is_utf8(v->why, strlen(v->why)));
    must(!v->ends_sessions || v->effect == EFFECT_DISRUPTIVE);
    must(!v->always_asks || v->effect >= EFFECT_DISRUPTIVE);
    gate_question q = {.verdict = v, .risk = LB_RISK_HIGH, .actor = GATE_AGENT, .needs_approval = true};
    gate_answer answer;
    gate_decide(&q, &answer);
    must(v->effect == EFFECT_READ ? answer.decision == GATE_EXECUTE : answer.decision == GATE_ASK);
}

/* What the classifier understands names objects that can be looked up. */
static void check_objects(const char *sql)
{
    arena memory;
    lb_error err = {0};
    effect_objects objects = {0};
    arena_init(&memory, 0);
    int r = effect_objects_of_sql(sql, &memory, &objects, &err);
    must(r == 0 || (r == LB_ERR_LIMIT && err.message[0]));
    for (size_t i = 0; i < objects.count; i++) {
        must(objects.items[i].name[0] && json_is_utf8(objects.items[i].name, strlen(objects.items[i].name)));
        must(json_is_utf8(objects.items[i].schema, strlen(objects.items[i].schema)));
    }
    arena_done(&memory);
}

/* The same bytes as a PATCH: query, a newline, body. */
static void check_control(char *text)
{
    char *newline = strchr(text, '\n');
    if (newline)
        *newline = '\0';
    lb_request request = {"PATCH", "projects/p/branches/b", text, newline ? newline + 1 : NULL};
    effect_verdict v;
    effect_of_control(&request, &v);
    must(v.effect > EFFECT_READ && v.effect <= EFFECT_DESTRUCTIVE);
    request.method = "POST";
    request.path = text;
    effect_of_control(&request, &v);
    must(v.effect <= EFFECT_DESTRUCTIVE && memchr(v.why, '\0', sizeof v.why));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = base_alloc(size + 1);
    memcpy(text, data, size);
    effect_verdict v;
    lb_error err = {0};
    int r = effect_of_sql(text, &v, &err);
    if (r == 0) {
        check_verdict(&v);
        check_objects(text);
    } else {
        must((r == LB_ERR_INVALID || r == LB_ERR_LIMIT) && err.code == r && err.message[0]);
    }
    check_control(text);
    free(text);
    return 0;
}
