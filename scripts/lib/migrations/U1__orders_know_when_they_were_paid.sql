ALTER TABLE sales.orders DROP COLUMN IF EXISTS paid_at;
