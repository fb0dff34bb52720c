lb_add_unit_test(cause_rules LIBS health_causes)
lb_add_unit_test(cause_seen LIBS health_causes)
lb_add_unit_test(heal_rules LIBS health_heal)
