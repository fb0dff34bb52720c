-- A shop as it is after some years: a table that is mostly dead rows as nobody vacuums it, an index that nobody uses, one
-- that is there twice, a foreign key without one, statements that would like one, and visits of last year that nobody reads
-- any more. Made once; the next time it only works a little more.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
SELECT to_regclass('sales.visits') IS NULL AS is_new
\gset
CREATE SCHEMA IF NOT EXISTS sales;
CREATE TABLE IF NOT EXISTS sales.customers (id bigint PRIMARY KEY, name text NOT NULL, country text NOT NULL);
CREATE TABLE IF NOT EXISTS sales.orders (
    id bigint PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES sales.customers,
    placed timestamptz NOT NULL,
    status text NOT NULL,
    note text
) WITH (autovacuum_enabled = false);
CREATE TABLE IF NOT EXISTS sales.visits (id bigint PRIMARY KEY, customer_id bigint NOT NULL, at timestamptz NOT NULL, page text NOT NULL);
INSERT INTO sales.customers
SELECT i, 'customer ' || i, (ARRAY['de', 'fr', 'us', 'jp'])[1 + i % 4] FROM generate_series(1, 2000) i
ON CONFLICT DO NOTHING;
INSERT INTO sales.orders
SELECT i, 1 + i % 2000, '2025-01-01'::timestamptz + i * interval '5 minutes',
       (ARRAY['new', 'paid', 'sent'])[1 + i % 3], repeat('x', 60)
  FROM generate_series(1, 40000) i
ON CONFLICT DO NOTHING;
INSERT INTO sales.visits
SELECT i, 1 + i % 2000, now() - interval '400 days' + i * interval '30 minutes', '/shop/' || i % 3000
  FROM generate_series(1, 18000) i
 WHERE NOT EXISTS (SELECT FROM sales.visits);
CREATE INDEX IF NOT EXISTS orders_note_idx ON sales.orders (note);
CREATE INDEX IF NOT EXISTS orders_placed_idx ON sales.orders (placed);
CREATE INDEX IF NOT EXISTS orders_placed_status_idx ON sales.orders (placed, status);
UPDATE sales.orders SET status = 'sent' WHERE id % 4 <> 0;
-- What filled the tables is no part of the work.
\if :is_new
SELECT pg_stat_statements_reset();
\endif
-- Each a statement of its own, as an application asks.
SELECT format('SELECT count(*) FROM sales.orders WHERE customer_id = %s', i) FROM generate_series(1, 100) i
\gexec
SELECT format('SELECT 1 FROM sales.orders WHERE placed >= %L ORDER BY placed LIMIT 10', '2025-03-01'::timestamptz + i * interval '1 hour')
  FROM generate_series(1, 100) i
\gexec
SELECT format('SELECT count(*) FROM sales.visits WHERE page = %L', '/shop/' || i % 50) FROM generate_series(1, 100) i
\gexec
ANALYZE sales.customers, sales.orders, sales.visits;
SELECT pg_stat_force_next_flush();
