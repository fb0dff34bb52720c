# Explaining statements, and what a model is told and believed.
lb_add_unit_test(explain)
set_tests_properties(unit.explain PROPERTIES ENVIRONMENT
  "LBOPS_PLUGINS=${CMAKE_BINARY_DIR}/plugins;LBOPS_HOSTILE=${CMAKE_BINARY_DIR}/hostile")
add_dependencies(test_explain hostile_explains transport_mock)
lb_add_unit_test(model)
set_tests_properties(unit.model PROPERTIES ENVIRONMENT
  "LBOPS_PLUGINS=${CMAKE_BINARY_DIR}/plugins;LBOPS_HOSTILE=${CMAKE_BINARY_DIR}/hostile")
add_dependencies(test_model hostile_asks_model hostile_model_obeys transport_mock model_rules)
lb_add_unit_test(redact)
lb_add_unit_test(model_check)
target_link_libraries(test_model_check PRIVATE model_words)
lb_add_unit_test(query_plan LIBS performance_query)
lb_add_unit_test(query_splice LIBS performance_query)
