"""One process for each engine that is measured, run by that engine's own interpreter."""
