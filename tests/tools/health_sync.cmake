# The door to the lakehouse, and what compares it with servers.
set(lake_plugins ${CMAKE_BINARY_DIR}/lake-plugins)
lb_add_sql(lake_door_sql ${CMAKE_CURRENT_SOURCE_DIR}/health/sql lake_door/batch lake_door/rows lake_door/wanted)
add_library(lake_door MODULE health/lake_door.c)
set_target_properties(lake_door PROPERTIES PREFIX "" C_VISIBILITY_PRESET hidden LIBRARY_OUTPUT_DIRECTORY ${lake_plugins})
target_link_libraries(lake_door PRIVATE lb_sdk lb_flags lake_door_sql)
set_property(TEST health.sync_door APPEND PROPERTY ENVIRONMENT "LBOPS_LAKE_PLUGINS=${lake_plugins}")
foreach(suite survives sync_alerts sync_completeness sync_integrity sync_moving sync_repair)
  set_property(TEST health.${suite} APPEND PROPERTY ENVIRONMENT "LBOPS_LAKE_PLUGINS=${lake_plugins}")
endforeach()
set_tests_properties(health.sync_integrity PROPERTIES TIMEOUT 1200) # under sanitizers, on a busy machine
# The same digests with Spark and Delta on the other side: what the tests' own Python brings.
add_test(NAME health.sync_spark COMMAND ${LBOPS_DEPS}/python/bin/python -B ${CMAKE_CURRENT_SOURCE_DIR}/health/sync_spark.py
                                        ${LBOPS_DEPS}/jars)
set_tests_properties(health.sync_spark PROPERTIES TIMEOUT 1200 LABELS "nosan;postgres;python;spark" COST 400
  RESOURCE_LOCK "spark;watched_servers2" SKIP_RETURN_CODE 77 ENVIRONMENT
  "LBOPS_WATCHES=2;LBOPS_PROGRAM=$<TARGET_FILE:lbops>;LBOPS_PLUGINS=${CMAKE_BINARY_DIR}/plugins;LBOPS_LAKE_PLUGINS=${lake_plugins};LBOPS_SANITIZED=${LBOPS_SANITIZE};PYTHONPATH=${CMAKE_CURRENT_SOURCE_DIR}")
# Appends to a workspace, with answers that get lost and runs that are killed.
add_test(NAME health.lake_databricks
         COMMAND ${LBOPS_DEPS}/python/bin/python -B ${CMAKE_CURRENT_SOURCE_DIR}/health/lake_databricks.py)
set_tests_properties(health.lake_databricks PROPERTIES TIMEOUT 600 LABELS "nosan;postgres;python" SKIP_RETURN_CODE 77
  RESOURCE_LOCK watched_servers1 ENVIRONMENT
  "LBOPS_WATCHES=1;LBOPS_PROGRAM=$<TARGET_FILE:lbops>;LBOPS_PLUGINS=${CMAKE_BINARY_DIR}/plugins;LBOPS_LAKE_PLUGINS=${lake_plugins};LBOPS_SANITIZED=${LBOPS_SANITIZE};PYTHONPATH=${CMAKE_CURRENT_SOURCE_DIR}")
