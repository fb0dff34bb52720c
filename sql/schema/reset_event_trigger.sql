-- summary: an event trigger fires as usual
-- kind: change
-- server: 15-18
-- param address definition like EVENT TRIGGER e
ALTER :address ENABLE
