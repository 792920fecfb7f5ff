"""HTTP routes, a file for each path prefix: one call down, one value back."""
