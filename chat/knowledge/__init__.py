"""What a server knows from reviewing, kept in step with the database while it runs."""
