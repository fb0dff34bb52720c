# Governance: what needs no server, and what has workflows looked at.
set_tests_properties(provisioning.cicd PROPERTIES LABELS actionlint)
set_property(TEST provisioning.cicd APPEND PROPERTY ENVIRONMENT "LBOPS_ACTIONLINT=${LBOPS_DEPS}/actionlint")
lb_add_unit_test(workflow LIBS workflow)
