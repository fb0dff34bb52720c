-- summary: what a publication tells
-- kind: change
-- server: 15-18
-- param address definition like PUBLICATION p
-- param options definition like publish = 'insert'
ALTER :address SET (:options)
