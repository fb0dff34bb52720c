# Idle gaps and what a timeout makes of them.
lb_add_unit_test(idle_gaps LIBS idle_base)
