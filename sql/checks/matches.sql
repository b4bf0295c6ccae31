-- MATCHES: the regular expression is found in the text; ^ and $ tie it to the ends. NULL fails.

-- good
{column} ~ {pattern}
