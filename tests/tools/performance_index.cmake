# The rules of the index detectors that need no server.
lb_add_unit_test(index_rules LIBS performance_index)
