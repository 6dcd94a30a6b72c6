"""Decision trees as data: questions, answers, who is asked what; and the algebra of votes."""
