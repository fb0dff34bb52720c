-- The last batch of each of the newest 1,000 clients is remembered; whoever is older has long given up asking again.
DELETE FROM batch WHERE turn < (SELECT turn FROM batch ORDER BY turn DESC LIMIT 1 OFFSET 999)
