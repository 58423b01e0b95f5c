"""What a server knows from reviewing, kept in step with the database while it runs.

`revision` numbers the changes, `lessons` reads what rows teach, `knowledge` keeps one process's memory up to date,
`rules` is the block list that staff edit.
"""
