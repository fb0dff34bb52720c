-- query: branches.active
-- title: Branches that there are
-- note: By their last event; a name that is used again counts from its newest creation.
-- chart: table
-- empty: None that this history knows of.
-- column: place cell name Branch
-- column: branch_kind cell name Kind
-- column: source_branch cell name From
-- column: creator_type cell text Made by
-- column: made_at cell time Made
-- column: expires_at cell time Expires
-- column: is_protected cell bool Protected
-- column: last_at cell time Last event
WITH steps AS (
    SELECT b.project_id, b.branch_id, b.event_type, b.branch_kind, b.source_branch, b.creator_type, b.expires_at,
           b.is_protected, b.event_timestamp,
           max(CASE WHEN b.event_type = 'created' THEN b.event_timestamp END)
               OVER (PARTITION BY b.project_id, b.branch_id) AS made_at,
           row_number() OVER (PARTITION BY b.project_id, b.branch_id
                              ORDER BY b.event_timestamp DESC, b.event_id DESC) AS step
      FROM branch_lifecycle b
),
since AS (
    SELECT s.project_id, s.branch_id,
           max_by(s.branch_kind, s.event_timestamp) FILTER (WHERE s.branch_kind IS NOT NULL) AS branch_kind,
           max_by(s.source_branch, s.event_timestamp) FILTER (WHERE s.source_branch IS NOT NULL) AS source_branch,
           max_by(s.creator_type, s.event_timestamp) FILTER (WHERE s.event_type = 'created') AS creator_type,
           max(s.made_at) AS made_at,
           max_by(s.expires_at, s.event_timestamp) FILTER (WHERE s.expires_at IS NOT NULL) AS expires_at,
           max_by(s.is_protected, s.event_timestamp) FILTER (WHERE s.is_protected IS NOT NULL) AS is_protected,
           max(s.event_timestamp) AS last_at, max(CASE WHEN s.step = 1 THEN s.event_type END) AS last_event
      FROM steps s
     WHERE s.made_at IS NULL OR s.event_timestamp >= s.made_at
     GROUP BY s.project_id, s.branch_id
)
SELECT x.project_id || '/' || x.branch_id AS place, x.branch_kind, x.source_branch, x.creator_type, x.made_at,
       x.expires_at, x.is_protected, x.last_at
  FROM since x
 WHERE x.last_event NOT IN ('deleted', 'expired')
 ORDER BY x.project_id, x.branch_id
 LIMIT 200
