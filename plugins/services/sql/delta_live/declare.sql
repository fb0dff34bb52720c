-- a table's rows, with the columns that a question needs
DECLARE {cursor} NO SCROLL CURSOR FOR SELECT {columns} FROM {schema}.{table} t
