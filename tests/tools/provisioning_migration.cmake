# Scripts of SQL, from the host's parser to the tool that applies migrations.
lb_add_unit_test(effect_script LIBS lb_effect)
lb_add_unit_test(door_script LIBS lb_effect)
set_tests_properties(unit.door_script PROPERTIES ENVIRONMENT
  "LBOPS_PLUGINS=${CMAKE_BINARY_DIR}/plugins;LBOPS_HOSTILE=${CMAKE_BINARY_DIR}/hostile")
add_dependencies(test_door_script hostile_proposes transport_mock)
lb_add_unit_test(judge LIBS migration_judge)
lb_add_unit_test(judge_tables LIBS migration_judge)
lb_add_unit_test(judge_others LIBS migration_judge)
lb_add_unit_test(migration LIBS migration)
lb_add_unit_test(migration_limits LIBS migration)
lb_add_unit_test(migration_sum LIBS migration)
lb_add_integration_test(judge_locks LIBS migration_judge PkgConfig::LIBPQ)
set_tests_properties(integration.judge_locks PROPERTIES LABELS postgres)
