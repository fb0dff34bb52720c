# Migrations tried out on a branch: what looks at them say together.
lb_add_unit_test(rehearsal_locks LIBS rehearsal)
lb_add_unit_test(replay LIBS replay)
lb_add_unit_test(door_listen)
lb_add_unit_test(migration_notices LIBS migration)
