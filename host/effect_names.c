#include "effect_rules.h"

/* The server's own functions that change nothing but their answer, as pg_proc of 17 has them: immutable and stable ones
 * that people call by name, without those that run text as a statement. */
static const char stable_names[] =
    " abbrev abs aclcontains acldefault aclexplode acos acosd acosh age any_value area array_agg array_append "
    "array_dims array_fill array_length array_lower array_ndims array_position array_positions array_prepend "
    "array_remove array_replace array_to_json array_to_string array_to_tsvector array_upper ascii asin asind "
    "asinh atan atan2 atan2d atand atanh avg bit bit_and bit_count bit_length bit_or bit_xor bool bool_and "
    "bool_or bound_box box bpchar broadcast btrim cardinality cbrt ceil ceiling center char char_length "
    "character_length chr cidr circle col_description concat concat_ws convert convert_from convert_to corr cos "
    "cosd cosh cot cotd count covar_pop covar_samp cume_dist current_database current_schema current_schemas "
    "current_setting current_user date date_add date_bin date_part date_subtract date_trunc datemultirange "
    "daterange decode degrees dense_rank diagonal diameter div encode enum_first enum_last enum_range erf erfc "
    "every exp extract factorial family first_value float4 float8 floor format format_type gcd generate_series "
    "generate_subscripts get_bit get_byte get_current_ts_config getdatabaseencoding getpgusername "
    "hash_record hash_record_extended hashint4 hashint8 hashtext hashtextextended "
    "has_any_column_privilege has_column_privilege has_database_privilege has_foreign_data_wrapper_privilege "
    "has_function_privilege has_language_privilege has_parameter_privilege has_schema_privilege "
    "has_sequence_privilege has_server_privilege has_table_privilege has_tablespace_privilege has_type_privilege "
    "height host hostmask icu_unicode_version inet_client_addr inet_client_port inet_merge inet_server_addr "
    "inet_server_port initcap int2 int4 int4multirange int4range int8 int8multirange int8range interval "
    "is_normalized isclosed isempty isfinite ishorizontal isopen isparallel isperp isvertical json_agg "
    "json_agg_strict json_array_elements json_array_elements_text json_array_length json_build_array "
    "json_build_object json_each json_each_text json_extract_path json_extract_path_text json_object "
    "json_object_agg json_object_agg_strict json_object_agg_unique json_object_agg_unique_strict json_object_keys "
    "json_populate_record json_populate_recordset json_strip_nulls json_to_record json_to_recordset "
    "json_to_tsvector json_typeof jsonb_agg jsonb_agg_strict jsonb_array_elements jsonb_array_elements_text "
    "jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path "
    "jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_agg jsonb_object_agg_strict "
    "jsonb_object_agg_unique jsonb_object_agg_unique_strict jsonb_object_keys jsonb_path_exists "
    "jsonb_path_exists_tz jsonb_path_match jsonb_path_match_tz jsonb_path_query jsonb_path_query_array "
    "jsonb_path_query_array_tz jsonb_path_query_first jsonb_path_query_first_tz jsonb_path_query_tz "
    "jsonb_populate_record jsonb_populate_record_valid jsonb_populate_recordset jsonb_pretty jsonb_set "
    "jsonb_set_lax jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_to_tsvector jsonb_typeof "
    "justify_days justify_hours justify_interval lag last_value lcm lead left length like like_escape line ln log "
    "log10 lower lower_inc lower_inf lpad lseg ltrim macaddr macaddr8 make_date make_interval make_time "
    "make_timestamp make_timestamptz masklen max md5 min min_scale mod mode money multirange name netmask network "
    "normalize notlike now npoints nth_value ntile num_nonnulls num_nulls numeric nummultirange numnode numrange "
    "obj_description octet_length oid oidvectortypes overlaps overlay parse_ident path pclose percent_rank "
    "percentile_cont percentile_disc pg_available_extension_versions pg_available_extensions pg_backend_pid "
    "pg_basetype pg_char_to_encoding pg_client_encoding pg_collation_for pg_collation_is_visible "
    "pg_column_compression pg_column_is_updatable pg_column_size pg_column_toast_chunk_id pg_conf_load_time "
    "pg_config pg_conversion_is_visible pg_current_snapshot pg_current_xact_id pg_current_xact_id_if_assigned "
    "pg_cursor pg_describe_object pg_encoding_max_length pg_encoding_to_char pg_extension_update_paths "
    "pg_filenode_relation pg_function_is_visible pg_get_catalog_foreign_keys pg_get_constraintdef pg_get_expr "
    "pg_get_function_arg_default pg_get_function_arguments pg_get_function_identity_arguments "
    "pg_get_function_result pg_get_function_sqlbody pg_get_functiondef pg_get_indexdef pg_get_keywords "
    "pg_get_object_address pg_get_partition_constraintdef pg_get_partkeydef pg_get_publication_tables "
    "pg_get_replica_identity_index pg_get_replication_slots pg_get_ruledef pg_get_serial_sequence "
    "pg_get_statisticsobjdef pg_get_statisticsobjdef_columns pg_get_statisticsobjdef_expressions "
    "pg_get_triggerdef pg_get_userbyid pg_get_viewdef pg_has_role pg_identify_object "
    "pg_identify_object_as_address pg_index_column_has_property pg_index_has_property pg_indexam_has_property "
    "pg_input_error_info pg_input_is_valid pg_is_other_temp_schema pg_listening_channels pg_lsn pg_mcv_list_items "
    "pg_my_temp_schema pg_opclass_is_visible pg_operator_is_visible pg_opfamily_is_visible pg_options_to_table "
    "pg_partition_root pg_postmaster_start_time pg_prepared_statement pg_relation_filenode pg_relation_filepath "
    "pg_relation_is_publishable pg_relation_is_updatable pg_replication_origin_oid pg_sequence_parameters "
    "pg_settings_get_flags pg_show_all_settings pg_size_bytes pg_size_pretty pg_snapshot_xip pg_snapshot_xmax "
    "pg_snapshot_xmin pg_split_walfile_name pg_statistics_obj_is_visible pg_table_is_visible "
    "pg_tablespace_databases pg_tablespace_location pg_timezone_abbrevs pg_timezone_names pg_trigger_depth "
    "pg_ts_config_is_visible pg_ts_dict_is_visible pg_ts_parser_is_visible pg_ts_template_is_visible "
    "pg_type_is_visible pg_typeof pg_visible_in_snapshot pg_wal_lsn_diff pg_walfile_name pg_walfile_name_offset "
    "phraseto_tsquery pi plainto_tsquery point polygon popen position pow power querytree quote_ident "
    "quote_literal quote_nullable radians radius range_agg range_intersect_agg range_merge rank regclass "
    "regexp_count regexp_instr regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array "
    "regexp_split_to_table regexp_substr regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope "
    "regr_sxx regr_sxy regr_syy repeat replace reverse right round row_number row_security_active row_to_json "
    "rpad rtrim scale session_user set_bit set_byte set_masklen setweight sha224 sha256 sha384 sha512 "
    "shobj_description sign similar_escape similar_to_escape sin sind sinh slope split_part sqrt "
    "statement_timestamp stddev stddev_pop stddev_samp string_agg string_to_array string_to_table strip strpos "
    "substr substring sum system_user tan tand tanh text time timestamp timestamptz timetz timezone to_ascii "
    "to_bin to_char to_date to_hex to_json to_jsonb to_number to_oct to_regclass to_regcollation to_regnamespace "
    "to_regoper to_regoperator to_regproc to_regprocedure to_regrole to_regtype to_regtypemod to_timestamp "
    "to_tsquery to_tsvector transaction_timestamp translate trim_array trim_scale trunc ts_debug ts_delete "
    "ts_filter ts_headline ts_lexize ts_parse ts_rank ts_rank_cd ts_token_type tsmultirange tsquery_phrase "
    "tsrange tstzmultirange tstzrange tsvector_to_array txid_current txid_current_if_assigned "
    "txid_current_snapshot txid_snapshot_xip txid_snapshot_xmax txid_snapshot_xmin txid_visible_in_snapshot "
    "unicode_assigned unicode_version unistr unnest upper upper_inc upper_inf uuid_extract_timestamp "
    "uuid_extract_version var_pop var_samp varbit varchar variance version websearch_to_tsquery width "
    "width_bucket xid xml xml_is_well_formed xml_is_well_formed_content xml_is_well_formed_document xmlagg "
    "xmlcomment xmlexists xmltext xmlvalidate xpath xpath_exists ";

/* Volatile ones: harmless to call, but not the same for each row. */
static const char volatile_names[] =
    " amvalidate array_sample array_shuffle clock_timestamp current_query currval gen_random_uuid lastval loread "
    "pg_available_wal_summaries pg_blocking_pids pg_collation_actual_version pg_control_checkpoint "
    "pg_control_init pg_control_recovery pg_control_system pg_current_logfile pg_current_wal_flush_lsn "
    "pg_current_wal_insert_lsn pg_current_wal_lsn pg_database_collation_actual_version pg_database_size "
    "pg_get_backend_memory_contexts pg_get_multixact_members pg_get_shmem_allocations pg_get_wait_events "
    "pg_get_wal_replay_pause_state pg_get_wal_resource_managers pg_get_wal_summarizer_state pg_hba_file_rules "
    "pg_ident_file_mappings pg_indexes_size pg_is_in_recovery pg_is_wal_replay_paused pg_jit_available "
    "pg_last_committed_xact pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp "
    "pg_lock_status pg_ls_archive_statusdir pg_ls_dir pg_ls_logdir pg_ls_logicalmapdir pg_ls_logicalsnapdir "
    "pg_ls_replslotdir pg_ls_tmpdir pg_ls_waldir pg_notification_queue_usage pg_partition_ancestors "
    "pg_partition_tree pg_prepared_xact pg_read_binary_file pg_read_file pg_relation_size "
    "pg_safe_snapshot_blocking_pids pg_sequence_last_value pg_show_all_file_settings "
    "pg_show_replication_origin_status pg_sleep pg_sleep_for pg_sleep_until pg_stat_clear_snapshot pg_stat_file "
    "pg_stat_force_next_flush pg_stat_have_stats pg_table_size pg_tablespace_size pg_total_relation_size "
    "pg_wal_summary_contents pg_xact_commit_timestamp pg_xact_commit_timestamp_origin pg_xact_status random "
    "random_normal setseed timeofday txid_status ";

static bool has_word(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *p = words; (p = strstr(p, word)); p++)
        if (p[-1] == ' ' && p[length] == ' ')
            return true;
    return false;
}

bool function_is_builtin(const char *name, bool *ret_volatile)
{
    *ret_volatile = true;
    if (!name[0] || strchr(name, ' '))
        return false;
    if (strncmp(name, "pg_stat_get_", 12) == 0)
        return true; /* the readers of the statistics views, a hundred of them */
    if (has_word(volatile_names, name))
        return true;
    *ret_volatile = false;
    return has_word(stable_names, name);
}
