"""From typed IR to machine code; the only place that imports llvmlite."""
