-- a question whose points in time come as microseconds
SELECT {columns} FROM (
{question}
) AS asked
