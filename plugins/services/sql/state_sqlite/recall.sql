-- ?1 client
SELECT number, verdicts FROM batch WHERE client = ?1
