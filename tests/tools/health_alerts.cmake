# Alerts: who hears of them, and digests.
lb_add_unit_test(alert_route)
