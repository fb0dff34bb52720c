-- What the command at the end of scripts/run tries on a branch: a column, and an index that serves the questions about it.
ALTER TABLE sales.orders ADD COLUMN IF NOT EXISTS paid_at timestamptz;
