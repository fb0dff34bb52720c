/* [agents.NAME]: a list of tool names, and a table for each tool that is told more. */
#include "manifest_internal.h"

static manifest_tool *agent_tool(const manifest_agent *agent, const char *name)
{
    for (size_t i = 0; i < agent->tool_count; i++)
        if (strcmp(agent->tools[i].name, name) == 0)
            return &agent->tools[i];
    return NULL;
}

static void read_tool_names(manifest_reader *reader, manifest_agent *agent, const char *what, const toml_node *node,
                            bool are_helpers)
{
    static const schema_field tools = {"tools", FIELD_NAMES, .offset = 0},
                              helpers = {"helpers", FIELD_NAMES, .offset = 0};
    char **list = NULL;
    reader_value(reader, are_helpers ? &helpers : &tools, what, node, &list);
    for (char **name = list; name && *name; name++) {
        if (agent_tool(agent, *name)) {
            manifest_problem_add(reader->problems, reader_place(reader, node), false, LB_ERR_CONFLICT,
                                 "leave it in one of the two lists", "%s helpers: %s is among the tools, too", what,
                                 *name);
            free(*name);
            continue;
        }
        manifest_tool *tool = reader_append(reader, &schema_tool, node, &agent->tools, &agent->tool_count);
        if (!tool) {
            free(*name);
            continue;
        }
        tool->name = *name;
        tool->is_helper = are_helpers;
        for (size_t i = 0; i < node->v.list.count; i++)
            if (node->v.list.items[i].kind == TOML_STRING && strcmp(node->v.list.items[i].v.text.data, *name) == 0)
                tool->place = reader_place(reader, &node->v.list.items[i]);
    }
    free(list);
}

static void read_tool_tables(manifest_reader *reader, manifest_agent *agent, const toml_node *tables)
{
    char what[192];
    (void)snprintf(what, sizeof what, "[agents.%.63s.tool]", agent->name); /* fits */
    if (!reader_is_table(reader, what, tables))
        return;
    for (size_t i = 0; i < tables->v.list.count; i++) {
        const toml_node *node = &tables->v.list.items[i];
        (void)snprintf(what, sizeof what, "[agents.%.63s.tool.%.63s]", agent->name, node->key); /* fits */
        if (!reader_is_named(reader, "tool", node) || !reader_is_table(reader, what, node))
            continue;
        manifest_tool *tool = agent_tool(agent, node->key);
        if (!tool) {
            tool = reader_append(reader, &schema_tool, node, &agent->tools, &agent->tool_count);
            if (!tool)
                return;
            tool->name = base_strdup(node->key);
        }
        tool->place = reader_key_place(reader, node);
        reader_fields(reader, &schema_tool, what, node, tool);
    }
}

static void check_cycle(manifest_reader *reader, const manifest_agent *agent, const char *what, const toml_node *cycle)
{
    char hint[128];
    name_list names = {0};
    for (size_t i = 0; i < agent->tool_count; i++)
        name_list_add(&names, agent->tools[i].name);
    for (size_t i = 0; cycle->kind == TOML_ARRAY && i < cycle->v.list.count; i++) {
        const toml_node *item = &cycle->v.list.items[i];
        if (item->kind != TOML_STRING || !manifest_is_name(item->v.text.data))
            continue; /* said already */
        const manifest_tool *tool = agent_tool(agent, item->v.text.data);
        if (!tool)
            manifest_problem_add(reader->problems, reader_place(reader, item), false, LB_ERR_NOT_FOUND,
                                 name_list_hint(&names, item->v.text.data, "add it to tools", hint, sizeof hint),
                                 "%s cycle: the agent has no tool %s", what, item->v.text.data);
        else if (tool->disabled)
            manifest_problem_add(reader->problems, reader_place(reader, item), true, LB_ERR_CONFLICT, NULL,
                                 "%s cycle: %s is disabled and will be passed over", what, tool->name);
    }
    name_list_done(&names);
}

void reader_agent(manifest_reader *reader, const toml_node *node)
{
    char what[128];
    (void)snprintf(what, sizeof what, "[agents.%.80s]", node->key); /* cut, not lost */
    if (!reader_is_named(reader, "agent", node) || !reader_is_table(reader, what, node))
        return;
    manifest_agent *agent = reader_append(reader, &schema_agent, node, &reader->m->agents, &reader->m->agent_count);
    if (!agent)
        return;
    agent->name = base_strdup(node->key);
    reader_fields(reader, &schema_agent, what, node, agent);
    const toml_node *names = reader_child(node, "tools"), *helpers = reader_child(node, "helpers"),
                    *tables = reader_child(node, "tool"), *cycle = reader_child(node, "cycle");
    if (names)
        read_tool_names(reader, agent, what, names, false);
    if (helpers)
        read_tool_names(reader, agent, what, helpers, true);
    if (tables)
        read_tool_tables(reader, agent, tables);
    if (cycle)
        check_cycle(reader, agent, what, cycle);
    if (!names && !helpers && !tables)
        manifest_problem_add(reader->problems, agent->place, true, LB_ERR_INVALID, "list them: tools = [\"...\"]",
                             "%s has no tools", what);
}
