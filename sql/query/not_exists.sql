-- summary: that a value is none of those that a subquery gives, as a join can find it
-- kind: fragment
-- note: for `operand NOT IN (subquery)`, which says something else where one of the two is null. The subquery stays as it
-- note: is, behind names that nothing of the operand can mean.
-- param subquery definition like SELECT 1
-- param operand definition like 1
-- example: SELECT 1 WHERE :fragment
NOT EXISTS (SELECT 1 FROM (:subquery) AS lbops_rewritten (lbops_value) WHERE lbops_rewritten.lbops_value = :operand)
