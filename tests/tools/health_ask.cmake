lb_add_unit_test(dba_topics LIBS health_dba)
