-- the columns of a question and no row: it costs the warehouse nothing
SELECT * FROM (
{question}
) AS asked LIMIT 0
