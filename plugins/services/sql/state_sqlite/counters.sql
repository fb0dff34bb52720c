SELECT counter, turn FROM store
