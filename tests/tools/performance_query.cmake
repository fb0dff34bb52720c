# Explaining statements, and what a model is told and believed.
lb_add_unit_test(explain)
set_tests_properties(unit.explain PROPERTIES ENVIRONMENT
  "LBOPS_PLUGINS=${CMAKE_BINARY_DIR}/plugins;LBOPS_HOSTILE=${CMAKE_BINARY_DIR}/hostile")
add_dependencies(test_explain hostile_explains transport_mock)
