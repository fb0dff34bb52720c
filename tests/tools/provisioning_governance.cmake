# Governance: what needs no server, and what has workflows looked at.
set_tests_properties(provisioning.cicd PROPERTIES LABELS actionlint)
set_property(TEST provisioning.cicd APPEND PROPERTY ENVIRONMENT "LBOPS_ACTIONLINT=${LBOPS_DEPS}/actionlint")
lb_add_unit_test(workflow LIBS workflow)

# Lineage and audit of an emulated workspace, whose SQL needs packages of the tests' own Python.
add_test(NAME provisioning.unity_questions
         COMMAND bash ${CMAKE_SOURCE_DIR}/tests/emulator/run-python.sh ../tools/provisioning/unity_questions.py)
set_tests_properties(provisioning.unity_questions PROPERTIES TIMEOUT 600 LABELS "postgres;python" ENVIRONMENT
  "LBOPS_PROGRAM=$<TARGET_FILE:lbops>;LBOPS_PLUGINS=${CMAKE_BINARY_DIR}/plugins;LBOPS_SANITIZED=${LBOPS_SANITIZE};PYTHONPATH=${CMAKE_SOURCE_DIR}/tests/tools")
