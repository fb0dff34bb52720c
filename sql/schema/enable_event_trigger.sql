-- summary: when an event trigger fires
-- kind: change
-- server: 15-18
-- param address definition like EVENT TRIGGER e
-- param enabled definition like DISABLE
ALTER :address :enabled
