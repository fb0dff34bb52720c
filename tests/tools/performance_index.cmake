# The rules of the index detectors that need no server.
foreach(name index_rules index_follow index_load)
  lb_add_unit_test(${name} ${PROJECT_SOURCE_DIR}/tests/unit/index_stage.c LIBS performance_index)
endforeach()
