SELECT layout, application FROM store
