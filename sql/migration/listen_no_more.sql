-- summary: the server says as much as it did before
-- kind: change
-- server: 15-18
RESET client_min_messages
