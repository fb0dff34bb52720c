# The branch policy: names, times and numbers against the rules.
lb_add_unit_test(branch_policy LIBS branch_policy)
lb_add_unit_test(branch_pattern LIBS branch_policy)
