lb_add_unit_test(health_alert LIBS health_base)
