-- A shop as it is after some years: two tables that nobody vacuums, an index that nobody uses, one that is there twice, a
-- foreign key without one, and statements that would like one. Made once; the next time it only works a little more.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
CREATE SCHEMA IF NOT EXISTS sales;
CREATE TABLE IF NOT EXISTS sales.customers (id bigint PRIMARY KEY, name text NOT NULL, country text NOT NULL);
CREATE TABLE IF NOT EXISTS sales.orders (
    id bigint PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES sales.customers,
    placed timestamptz NOT NULL,
    status text NOT NULL,
    note text
) WITH (autovacuum_enabled = false);
INSERT INTO sales.customers
SELECT i, 'customer ' || i, (ARRAY['de', 'fr', 'us', 'jp'])[1 + i % 4] FROM generate_series(1, 2000) i
ON CONFLICT DO NOTHING;
INSERT INTO sales.orders
SELECT i, 1 + i % 2000, '2025-01-01'::timestamptz + i * interval '5 minutes',
       (ARRAY['new', 'paid', 'sent'])[1 + i % 3], repeat('x', 60)
  FROM generate_series(1, 40000) i
ON CONFLICT DO NOTHING;
CREATE INDEX IF NOT EXISTS orders_note_idx ON sales.orders (note);
CREATE INDEX IF NOT EXISTS orders_placed_idx ON sales.orders (placed);
CREATE INDEX IF NOT EXISTS orders_placed_status_idx ON sales.orders (placed, status);
UPDATE sales.orders SET status = 'sent' WHERE id % 4 = 0;
DO $$
BEGIN
    FOR i IN 1 .. 150 LOOP
        PERFORM count(*) FROM sales.orders WHERE customer_id = i;
        PERFORM 1 FROM sales.orders WHERE placed >= '2025-03-01'::timestamptz + i * interval '1 hour'
            ORDER BY placed LIMIT 10;
    END LOOP;
END
$$;
ANALYZE sales.customers, sales.orders;
SELECT pg_stat_force_next_flush();
