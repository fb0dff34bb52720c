/* lbops ask: a question for natural_language_dba, and its answer in sentences. */
#include "cli.h"

#include "json.h"

static const char *shown(struct json_object *object, const char *name)
{
    const char *text = json_get_text(object, name);
    return text ? text : "";
}

static void show_cites(struct json_object *sentence)
{
    struct json_object *ids = json_get_list(sentence, "evidence");
    for (size_t i = 0; ids && i < json_object_array_length(ids); i++)
        (void)printf("%s%s", i ? ", " : " [", json_object_get_string(json_object_array_get_idx(ids, i)));
    (void)puts(ids && json_object_array_length(ids) ? "]" : "");
}

static void show_answer(const cli *c, struct json_object *result)
{
    struct json_object *sentences = json_get_list(result, "answer"), *topics = json_get_list(result, "can_be_asked");
    for (size_t i = 0; sentences && i < json_object_array_length(sentences); i++) {
        struct json_object *sentence = json_object_array_get_idx(sentences, i);
        (void)printf("%s%s", shown(sentence, "text"),
                     json_get_bool(sentence, "is_checked") ? "" : " (a model's reading)");
        show_cites(sentence);
    }
    for (size_t i = 0; topics && i < json_object_array_length(topics); i++)
        (void)printf("  lbops ask \"%s\"\n", shown(json_object_array_get_idx(topics, i), "example"));
    struct json_object *evidence = json_get_list(result, "evidence");
    for (size_t i = 0; evidence && i < json_object_array_length(evidence); i++) {
        struct json_object *exhibit = json_object_array_get_idx(evidence, i),
                           *facts = json_get_object(exhibit, "facts");
        (void)printf("%s%-4s%s %s", cli_style(c, "2"), shown(exhibit, "id"), cli_style(c, "0"), shown(exhibit, "tool"));
        if (facts && json_object_object_length(facts))
            (void)printf(
                " %s", json_object_to_json_string_ext(facts, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
        (void)puts("");
        if (json_get_text(exhibit, "fix"))
            (void)printf("     would help: %s\n", shown(exhibit, "fix"));
    }
}

static void show(const cli *c, const char *document)
{
    lb_error err;
    JSON_AUTO *run = json_parse(document, strlen(document), &err);
    cli_tame(run);
    struct json_object *result = run ? json_get_object(run, "result") : NULL;
    if (result && json_get_list(result, "answer"))
        show_answer(c, result);
    else
        cli_show_run(c, document);
}

int cli_question(cli *c, int argc, char **argv)
{
    static char verb[] = "run", tool[] = "natural_language_dba";
    if (argc < 2 || argv[1][0] == '-')
        return cli_usage(c, cli_find_verb("ask"), NULL, "ask needs a question, in quotes");
    LB_AUTO_FREE char *question = base_printf("--question=%s", argv[1]);
    LB_AUTO_FREE char **words = base_alloc(((size_t)argc + 2) * sizeof *words);
    words[0] = verb;
    words[1] = tool;
    words[2] = question;
    for (int i = 2; i < argc; i++)
        words[i + 1] = argv[i];
    return cli_run_shown(c, argc + 1, words, show);
}
