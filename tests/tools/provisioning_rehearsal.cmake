# Migrations tried out on a branch: what looks at them say together.
lb_add_unit_test(rehearsal_locks LIBS rehearsal)
