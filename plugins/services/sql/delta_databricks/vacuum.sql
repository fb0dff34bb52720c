-- files that no snapshot within the time of grace needs
VACUUM {table} RETAIN {hours} HOURS
