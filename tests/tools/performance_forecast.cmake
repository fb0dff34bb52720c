# Forecasts of series with many shapes.
lb_add_unit_test(forecast LIBS capacity_forecast)
