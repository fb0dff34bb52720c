UPDATE t SET a = 1 WHERE 1 = 1;
UPDATE t SET a = 1 WHERE id = id;
UPDATE t SET a = 1 WHERE id = 3 OR 1 = 1;
UPDATE t SET a = 1 WHERE id = 3 AND 1 = 1;
UPDATE t SET a = 1 WHERE true AND (2 = 2 OR x);
UPDATE t SET a = 1 WHERE id = other
