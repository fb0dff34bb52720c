# The door to the lakehouse, and what compares it with servers.
set(lake_plugins ${CMAKE_BINARY_DIR}/lake-plugins)
lb_add_sql(lake_door_sql ${CMAKE_CURRENT_SOURCE_DIR}/health/sql lake_door/batch lake_door/rows lake_door/wanted)
add_library(lake_door MODULE health/lake_door.c)
set_target_properties(lake_door PROPERTIES PREFIX "" C_VISIBILITY_PRESET hidden LIBRARY_OUTPUT_DIRECTORY ${lake_plugins})
target_link_libraries(lake_door PRIVATE lb_sdk lb_flags lake_door_sql)
set_property(TEST health.sync_door APPEND PROPERTY ENVIRONMENT "LBOPS_LAKE_PLUGINS=${lake_plugins}")
