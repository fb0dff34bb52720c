/* schema_kinds.c: what there is in a schema, and what carries its differences. */
#include "schema_kinds.h"

#include <sql/schema/add_column.h>
#include <sql/schema/add_identity.h>
#include <sql/schema/comment_on.h>
#include <sql/schema/disable_row_security.h>
#include <sql/schema/drop_default.h>
#include <sql/schema/drop_domain_default.h>
#include <sql/schema/drop_domain_not_null.h>
#include <sql/schema/drop_expression.h>
#include <sql/schema/drop_identity.h>
#include <sql/schema/drop_not_null.h>
#include <sql/schema/enable_event_trigger.h>
#include <sql/schema/enable_row_security.h>
#include <sql/schema/enable_rule.h>
#include <sql/schema/enable_trigger.h>
#include <sql/schema/force_row_security.h>
#include <sql/schema/make_matview.h>
#include <sql/schema/make_sequence.h>
#include <sql/schema/make_table.h>
#include <sql/schema/make_view.h>
#include <sql/schema/move_extension.h>
#include <sql/schema/rebuild_index.h>
#include <sql/schema/refresh_matview.h>
#include <sql/schema/reset_access_method.h>
#include <sql/schema/reset_column_statistics.h>
#include <sql/schema/reset_compression.h>
#include <sql/schema/reset_event_trigger.h>
#include <sql/schema/reset_handler.h>
#include <sql/schema/reset_index_tablespace.h>
#include <sql/schema/reset_rule.h>
#include <sql/schema/reset_statistics_target.h>
#include <sql/schema/reset_storage.h>
#include <sql/schema/reset_tablespace.h>
#include <sql/schema/reset_trigger.h>
#include <sql/schema/reset_validator.h>
#include <sql/schema/set_access_method.h>
#include <sql/schema/set_attribute_type.h>
#include <sql/schema/set_column_statistics.h>
#include <sql/schema/set_compression.h>
#include <sql/schema/set_default.h>
#include <sql/schema/set_domain_default.h>
#include <sql/schema/set_domain_not_null.h>
#include <sql/schema/set_handler.h>
#include <sql/schema/set_identity_options.h>
#include <sql/schema/set_index_tablespace.h>
#include <sql/schema/set_not_null.h>
#include <sql/schema/set_owner.h>
#include <sql/schema/set_persistence.h>
#include <sql/schema/set_publication.h>
#include <sql/schema/set_sequence.h>
#include <sql/schema/set_server_version.h>
#include <sql/schema/set_statistics_target.h>
#include <sql/schema/set_storage.h>
#include <sql/schema/set_tablespace.h>
#include <sql/schema/set_type.h>
#include <sql/schema/set_validator.h>
#include <sql/schema/unforce_row_security.h>
#include <sql/schema/update_extension.h>
#include <sql/schema/validate_constraint.h>

#define AE "ACCESS EXCLUSIVE"

const schema_kind schema_kinds[] = {
    {.name = "schema", .says = "schema"},
    {.name = "extension", .says = "extension", .drop_risk = "definition loss"},
    {.name = "collation", .says = "collation"},
    {.name = "fdw", .says = "foreign data wrapper"},
    {.name = "server", .says = "foreign server"},
    {.name = "user_mapping", .says = "user mapping", .traits = KIND_EARLY | KIND_FIRST | KIND_STAYS},
    {.name = "type", .says = "type", .traits = KIND_TYPE},
    {.name = "enum_label",
     .says = "enum label",
     .make_risk = "cannot be used before the transaction that adds it ends"},
    {.name = "attribute",
     .says = "attribute",
     .make_lock = "ACCESS EXCLUSIVE on tables that use the type",
     .drop_risk = "data loss"},
    {.name = "domain", .says = "domain", .traits = KIND_TYPE},
    {.name = "domain_constraint",
     .says = "domain constraint",
     .traits = KIND_EARLY,
     .make_lock = "SHARE on tables that use the domain",
     .make_risk = "scan"},
    {.name = "sequence", .says = "sequence", .make = &schema_make_sequence_sql, .drop_risk = "its position is lost"},
    {.name = "function", .says = "function"},
    {.name = "procedure", .says = "procedure"},
    {.name = "aggregate", .says = "aggregate"},
    {.name = "operator", .says = "operator"},
    {.name = "cast", .says = "cast"},
    {.name = "conversion", .says = "conversion"},
    {.name = "ts_dictionary", .says = "text search dictionary"},
    {.name = "ts_option", .says = "option", .traits = KIND_OVERWRITE},
    {.name = "ts_configuration", .says = "text search configuration"},
    {.name = "ts_mapping", .says = "mapping", .traits = KIND_EARLY},
    {.name = "table",
     .says = "table",
     .traits = KIND_DATA,
     .make = &schema_make_table_sql,
     .drop_lock = AE,
     .drop_risk = "data loss"},
    {.name = "foreign_table", .says = "foreign table", .make = &schema_make_table_sql, .drop_lock = AE},
    {.name = "inheritance",
     .says = "inheritance",
     .traits = KIND_EARLY,
     .make_lock = "SHARE UPDATE EXCLUSIVE on the parent, " AE " on the child",
     .make_risk = "scan",
     .drop_lock = AE},
    {.name = "column",
     .says = "column",
     .traits = KIND_DATA,
     .make = &schema_add_column_sql,
     .make_lock = AE,
     .drop_lock = AE,
     .drop_risk = "data loss"},
    {.name = "sequence_owner", .says = "owner of the sequence", .traits = KIND_EARLY | KIND_OVERWRITE},
    {.name = "option",
     .says = "option",
     .traits = KIND_OVERWRITE,
     .make_lock = "SHARE UPDATE EXCLUSIVE",
     .drop_lock = "SHARE UPDATE EXCLUSIVE"},
    {.name = "foreign_option", .says = "foreign option", .traits = KIND_EARLY},
    {.name = "constraint",
     .says = "constraint",
     .traits = KIND_EARLY,
     .make_lock = AE,
     .make_risk = "scan",
     .drop_lock = AE},
    {.name = "index",
     .says = "index",
     .traits = KIND_EARLY,
     .make_lock = "SHARE",
     .make_risk = "blocks writes while it is built",
     .drop_lock = AE},
    {.name = "index_space",
     .says = "tablespace of a partition's index",
     .traits = KIND_OVERWRITE,
     .make_lock = AE,
     .make_risk = "copy",
     .drop_lock = AE,
     .drop_risk = "copy"},
    {.name = "index_name", .says = "name of a partition's index"},
    {.name = "replica_identity", .says = "replica identity", .traits = KIND_EARLY | KIND_OVERWRITE, .make_lock = AE},
    {.name = "cluster",
     .says = "clustering",
     .traits = KIND_EARLY | KIND_OVERWRITE,
     .make_lock = "SHARE UPDATE EXCLUSIVE"},
    {.name = "foreign_key",
     .says = "foreign key",
     .traits = KIND_EARLY | KIND_FIRST,
     .make_lock = "SHARE ROW EXCLUSIVE on both tables",
     .make_risk = "scan",
     .drop_lock = AE " on both tables"},
    {.name = "statistics", .says = "statistics", .traits = KIND_EARLY, .make_lock = "SHARE UPDATE EXCLUSIVE"},
    {.name = "view", .says = "view", .make = &schema_make_view_sql, .drop_lock = AE},
    {.name = "matview",
     .says = "materialised view",
     .make = &schema_make_matview_sql,
     .make_risk = "runs its query",
     .drop_lock = AE},
    {.name = "view_column", .says = "view column"},
    {.name = "rule", .says = "rule", .traits = KIND_EARLY, .make_lock = AE, .drop_lock = AE},
    {.name = "trigger", .says = "trigger", .traits = KIND_EARLY, .make_lock = "SHARE ROW EXCLUSIVE", .drop_lock = AE},
    {.name = "policy",
     .says = "policy",
     .traits = KIND_EARLY,
     .make_lock = AE,
     .drop_lock = AE,
     .drop_risk = "until the next policy is made, rows are hidden or open to all others"},
    {.name = "publication", .says = "publication"},
    {.name = "publication_table",
     .says = "published table",
     .traits = KIND_EARLY,
     .make_lock = "SHARE UPDATE EXCLUSIVE"},
    {.name = "publication_schema", .says = "published schema", .traits = KIND_EARLY},
    {.name = "event_trigger", .says = "event trigger", .traits = KIND_EARLY},
    {.name = "security_label", .says = "security label", .traits = KIND_OVERWRITE},
    {.name = "grant", .says = "grant", .traits = KIND_PRIVILEGE},
    {.name = "revoke", .says = "revoked", .traits = KIND_PRIVILEGE},
    {.name = "default_privilege", .says = "default privilege", .traits = KIND_PRIVILEGE | KIND_EARLY},
    {.name = "other", .says = "object", .traits = KIND_LISTED},
    {.name = "setting", .says = "setting", .traits = KIND_LISTED},
    {.name = "database_privileges", .says = "privileges", .traits = KIND_LISTED | KIND_PRIVILEGE},
    {.name = "+", .says = "remark", .traits = KIND_REMARK},
    {.name = NULL},
};

/* In the order in which they are carried out on one object. */
const schema_rule schema_rules[] = {
    {" extension ", "version", &schema_update_extension_sql, NULL, 0, NULL, "runs the extension's own script"},
    {" extension ", "home", &schema_move_extension_sql, NULL, 0, NULL, NULL},
    {" server ", "version", &schema_set_server_version_sql, NULL, 0, NULL, NULL},
    {" fdw ", "handler", &schema_set_handler_sql, &schema_reset_handler_sql, 0, NULL, NULL},
    {" fdw ", "validator", &schema_set_validator_sql, &schema_reset_validator_sql, 0, NULL, NULL},
    {" attribute ", "type", &schema_set_attribute_type_sql, NULL, 0, AE " on tables of the type",
     "fails where a table stores the type"},
    {" domain ", "default_value", &schema_set_domain_default_sql, &schema_drop_domain_default_sql, 0, NULL, NULL},
    {" domain ", "not_null", &schema_set_domain_not_null_sql, &schema_drop_domain_not_null_sql, 0,
     "SHARE on tables that use the domain", "scan"},
    {" domain_constraint constraint foreign_key ", "validated", NULL, &schema_validate_constraint_sql, 0,
     "SHARE UPDATE EXCLUSIVE", "scan"},
    {" sequence ", "options", &schema_set_sequence_sql, NULL, 0, "SHARE ROW EXCLUSIVE",
     "fails where the sequence stands outside of its new bounds"},
    {" table sequence ", "persistence", &schema_set_persistence_sql, NULL, 0, AE, "rewrite"},
    {" table matview ", "access_method", &schema_set_access_method_sql, &schema_reset_access_method_sql, 0, AE,
     "rewrite"},
    {" table ", "tablespace", &schema_set_tablespace_sql, &schema_reset_tablespace_sql, 0, AE, "copy"},
    {" index matview ", "tablespace", &schema_set_tablespace_sql, &schema_reset_tablespace_sql, RULE_AFTER_MAKE, AE,
     "copy"},
    {" constraint ", "tablespace", &schema_set_index_tablespace_sql, &schema_reset_index_tablespace_sql,
     RULE_AFTER_MAKE, AE, "copy"},
    {" table foreign_table ", "row_security", &schema_enable_row_security_sql, &schema_disable_row_security_sql,
     RULE_AFTER_MAKE, AE, NULL},
    {" table foreign_table ", "force_security", &schema_force_row_security_sql, &schema_unforce_row_security_sql,
     RULE_AFTER_MAKE, AE, NULL},
    {" matview ", "populated", &schema_refresh_matview_sql, NULL, 0, AE, "runs its query"},
    {" column ", "identity", NULL, &schema_drop_identity_sql, RULE_UNSET_ONLY, AE, NULL},
    {" column ", "generated", NULL, &schema_drop_expression_sql, RULE_UNSET_ONLY, AE, NULL},
    {" column view_column ", "default_value", NULL, &schema_drop_default_sql, RULE_UNSET_ONLY, AE, NULL},
    {" column ", "type", &schema_set_type_sql, NULL, 0, AE,
     "may rewrite the table and its indexes, and fails on values that do not fit"},
    {" column ", "collation", &schema_set_type_sql, &schema_set_type_sql, 0, AE, "rebuilds indexes"},
    {" column ", "not_null", &schema_set_not_null_sql, &schema_drop_not_null_sql, 0, AE, "scan"},
    {" column ", "identity", &schema_add_identity_sql, NULL, RULE_SET_ONLY, AE, NULL},
    {" column ", "identity_options", &schema_set_identity_options_sql, NULL, 0, AE, NULL},
    {" column view_column ", "default_value", &schema_set_default_sql, NULL, RULE_SET_ONLY | RULE_AFTER_MAKE, AE, NULL},
    {" column ", "storage", &schema_set_storage_sql, &schema_reset_storage_sql, RULE_AFTER_MAKE, AE, NULL},
    {" column ", "compression", &schema_set_compression_sql, &schema_reset_compression_sql, RULE_AFTER_MAKE, AE, NULL},
    {" column view_column ", "statistics", &schema_set_column_statistics_sql, &schema_reset_column_statistics_sql,
     RULE_AFTER_MAKE, "SHARE UPDATE EXCLUSIVE", NULL},
    {" index ", "invalid", NULL, &schema_rebuild_index_sql, 0, AE, "blocks writes while it is built"},
    {" trigger ", "enabled", &schema_enable_trigger_sql, &schema_reset_trigger_sql, RULE_AFTER_MAKE,
     "SHARE ROW EXCLUSIVE", NULL},
    {" rule ", "enabled", &schema_enable_rule_sql, &schema_reset_rule_sql, RULE_AFTER_MAKE, AE, NULL},
    {" event_trigger ", "enabled", &schema_enable_event_trigger_sql, &schema_reset_event_trigger_sql, RULE_AFTER_MAKE,
     NULL, NULL},
    {" publication ", "options", &schema_set_publication_sql, NULL, 0, NULL, NULL},
    {" statistics ", "target", &schema_set_statistics_target_sql, &schema_reset_statistics_target_sql, RULE_AFTER_MAKE,
     NULL, NULL},
    {NULL, "owner", &schema_set_owner_sql, NULL, RULE_AFTER_MAKE, NULL, NULL},
    {NULL, "comment", &schema_comment_on_sql, &schema_comment_on_sql, RULE_AFTER_MAKE, NULL, NULL},
};

const size_t schema_rule_count = sizeof schema_rules / sizeof schema_rules[0];

const schema_kind *schema_kind_find(const char *name)
{
    for (const schema_kind *kind = schema_kinds; kind->name; kind++)
        if (strcmp(kind->name, name) == 0)
            return kind;
    return NULL;
}

bool schema_is_kind(const schema_object *o, const char *name)
{
    return strcmp(o->kind->name, name) == 0;
}

bool schema_rule_is_for(const schema_rule *rule, const schema_kind *kind)
{
    size_t length = strlen(kind->name);
    for (const char *p = rule->kinds; p && (p = strstr(p, kind->name)); p += length)
        if (p[-1] == ' ' && p[length] == ' ')
            return true;
    return !rule->kinds;
}

/* The rest are forms of the same thing, for statements. */
bool schema_is_compared(const char *attr)
{
    static const char *const forms[] = {"create",        "drop",      "create_head",  "create_tail",   "cast",
                                        "recast",        "inline",    "identity_set", "usual_storage", "inherited",
                                        "signature",     "aside",     "aside_name",   "columns",       "inherited_only",
                                        "text_type",     "as_text",   "online",       "drop_online",   "since",
                                        "index_address", "partition", "given",        "made_name"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (strcmp(forms[i], attr) == 0)
            return false;
    return true;
}

const lb_statement *schema_rule_statement(const schema_rule *rule, bool is_set)
{
    if (rule->when & (is_set ? RULE_UNSET_ONLY : RULE_SET_ONLY))
        return NULL;
    return is_set ? rule->set : rule->unset;
}

const schema_rule *schema_rule_find(const schema_kind *kind, const schema_change *change)
{
    for (size_t i = 0; i < schema_rule_count; i++) {
        const schema_rule *rule = &schema_rules[i];
        if (strcmp(rule->attr, change->attr) == 0 && schema_rule_is_for(rule, kind) &&
            schema_rule_statement(rule, change->after != NULL))
            return rule;
    }
    return NULL;
}
