lb_add_unit_test(cold_column LIBS cold_base)
lb_add_unit_test(cold_near LIBS cold_base)
lb_add_unit_test(cold_quiet LIBS cold_base)
lb_add_unit_test(lake_type LIBS lb_sdk)
