lb_add_unit_test(health_alert LIBS health_base)
lb_add_unit_test(health_reading LIBS health_base)
lb_add_unit_test(health_replay LIBS health_base)
lb_add_unit_test(health_moves LIBS health_base)
lb_add_unit_test(health_past LIBS health_base)
lb_add_unit_test(health_values ${CMAKE_SOURCE_DIR}/plugins/health/health_values.c LIBS health_base)
# Preloaded into a server of a test.
add_library(server_clock MODULE health/server_clock.c)
set_target_properties(server_clock PROPERTIES PREFIX "" C_VISIBILITY_PRESET hidden
                                              LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/preloaded)
target_link_libraries(server_clock PRIVATE lb_flags)
set_property(TEST health.survives APPEND PROPERTY ENVIRONMENT "LBOPS_SERVER_CLOCK=$<TARGET_FILE:server_clock>")
