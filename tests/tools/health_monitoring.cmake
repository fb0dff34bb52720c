lb_add_unit_test(health_alert LIBS health_base)
lb_add_unit_test(health_reading LIBS health_base)
lb_add_unit_test(health_replay LIBS health_base)
lb_add_unit_test(health_moves LIBS health_base)
