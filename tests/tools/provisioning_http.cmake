# Calls to web services, and the tool that comments on pull requests.
lb_add_unit_test(manifest_http)
lb_add_unit_test(http_rest LIBS http_rest_static)
lb_add_unit_test(door_http)
lb_use_hostile(test_door_http unit.door_http)
