CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_paid_at_idx ON sales.orders (paid_at);
