DROP INDEX CONCURRENTLY IF EXISTS sales.orders_paid_at_idx;
