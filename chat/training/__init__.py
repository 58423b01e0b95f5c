"""Trainings that people and schedules ask for: their rows, the process that works them off, and their page."""
