# Idle gaps and what a timeout makes of them.
lb_add_unit_test(idle_gaps LIBS idle_base)
lb_add_unit_test(cost_days LIBS cost_base)

# The bill of an emulated workspace, whose SQL needs packages of the tests' own Python.
foreach(suite cost_bill cost_alerts)
  add_test(NAME health.${suite}
           COMMAND bash ${CMAKE_SOURCE_DIR}/tests/emulator/run-python.sh ../tools/health/${suite}.py)
  set_tests_properties(health.${suite} PROPERTIES TIMEOUT 600 LABELS "postgres;python" RESOURCE_LOCK watched_servers1 ENVIRONMENT
    "LBOPS_WATCHES=1;LBOPS_PROGRAM=$<TARGET_FILE:lbops>;LBOPS_PLUGINS=${CMAKE_BINARY_DIR}/plugins;LBOPS_SANITIZED=${LBOPS_SANITIZE};PYTHONPATH=${CMAKE_SOURCE_DIR}/tests/tools")
endforeach()
