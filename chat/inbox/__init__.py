"""The review inbox, one of the admin's pages: what reviewers are asked to decide on, one question after another.

Which question is next, who has it before them (`claims`), what is decided on it (`services`) and what helps to
decide (`selectors`). Every change of a stored exchange goes through `chat.services`.
"""
