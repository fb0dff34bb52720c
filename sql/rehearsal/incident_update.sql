-- summary: writes a row of the table, which everybody else who wants it has to wait for
-- kind: change
-- server: 15-18
UPDATE rehearsed.incident
   SET filler = 'held'
 WHERE id = 3
