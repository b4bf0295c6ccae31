-- EXPECT: the condition is true for the row. NULL fails.

-- good
{condition}
