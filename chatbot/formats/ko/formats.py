"""Korean says whether it is morning before it says the hour; Django's catalogue has it the other way round."""

TIME_FORMAT = "A g:i"
DATETIME_FORMAT = "Y년 n월 j일 A g:i"
