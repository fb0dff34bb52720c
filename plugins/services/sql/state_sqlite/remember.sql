-- ?1 client, ?2 number, ?3 turn, ?4 verdicts
INSERT INTO batch (client, number, turn, verdicts) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (client) DO UPDATE SET number = excluded.number, turn = excluded.turn, verdicts = excluded.verdicts
