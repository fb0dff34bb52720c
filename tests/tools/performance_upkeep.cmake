# Vacuum arithmetic, and the ledger of statements.
lb_add_unit_test(vacuum_need LIBS vacuum_common)
lb_add_unit_test(vacuum_keys LIBS vacuum_common)
lb_add_unit_test(statements_ledger LIBS statements_common)
# When a compute is left alone so that it can sleep.
lb_add_unit_test(left_alone)
