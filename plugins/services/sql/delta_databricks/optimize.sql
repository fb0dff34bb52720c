-- small files into large ones
OPTIMIZE {table}
