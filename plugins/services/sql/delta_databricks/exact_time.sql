-- does an answer show microseconds, or is it cut?
SELECT TIMESTAMP '2026-01-01 00:00:00.123456' AS shown
